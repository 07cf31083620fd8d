import Telemetry

/// What the store counts.
struct StoreMetrics: Sendable {
  let commits: Counter
  let orders: Counter
  let events: Counter
  let groupSize: Histogram
  let queueWait: Histogram
  let groupTime: Histogram
  let readTime: Histogram
  let refusedBusy: Counter
  let logBytes: Gauge
  let leases: Gauge
  let sessions: Gauge
  let sessionsExpired: Counter
  let diskUsed: Gauge

  init(_ metrics: Metrics) {
    commits = metrics.counter(
      "assay_store_commits_total", help: "Commits that are on disk, replays not counted.")()
    orders = metrics.counter(
      "assay_store_orders_total", help: "Orders that the writer answered, refused ones too.")()
    events = metrics.counter(
      "assay_store_events_total", help: "Events that are on disk and were told.")()
    groupSize = metrics.histogram(
      "assay_store_group_orders", help: "Orders of one transaction.", scale: .pieces)()
    queueWait = metrics.histogram(
      "assay_store_queue_seconds", help: "From an order's arrival to its transaction.",
      scale: .seconds)()
    groupTime = metrics.histogram(
      "assay_store_group_seconds", help: "One transaction, with its sync to the disk.",
      scale: .seconds)()
    readTime = metrics.histogram(
      "assay_store_read_seconds", help: "One question to the database.", scale: .seconds)()
    refusedBusy = metrics.counter(
      "assay_store_busy_total", help: "Calls refused because too many waited.")()
    logBytes = metrics.gauge(
      "assay_store_wal_bytes", help: "The write-ahead log, not yet moved into the file.")()
    leases = metrics.gauge("assay_store_leases", help: "Leases that are held.")()
    sessions = metrics.gauge("assay_store_sessions", help: "Sessions that live.")()
    sessionsExpired = metrics.counter(
      "assay_store_sessions_expired_total", help: "Sessions that ended because they were silent.")()
    diskUsed = metrics.gauge(
      "assay_store_disk_used_percent", help: "Of the file system that holds the database.")()
  }
}
