import EventLoop
import Faults
import GatewayCatalog
import Locking
package import Telemetry

/// Reads the operator's file again when it changes, and whenever it is told to. A file that can be
/// used is taken; one that cannot is told of in the log, and what was taken last stays.
package final class CatalogWatch: Sendable {
  private let path: String
  private let book: AccountBook
  private let loop: EventLoop
  private let logger: Logger
  private let pool = BlockingPool(name: "catalog", threadsMax: 1, queueMax: 4)
  private let taken: Counter
  private let refused: Counter
  private let isRefused: Gauge
  private let state: Lock<State>

  private struct State: Sendable {
    var isLookPlanned = false
    var isReading = false
    /// Whether something changed while it was being read; and whether somebody asked.
    var isStale = false
    var isAsked = false
    /// SHA-256 of what was read last, to tell a touched file from another one.
    var seen: [UInt8]
  }

  /// `facts` is what the book was opened with.
  package init(
    _ path: String, _ facts: FileFacts, book: AccountBook, logger: Logger, metrics: Metrics
  ) {
    self.path = path
    self.book = book
    self.logger = logger
    loop = book.loop
    state = Lock(State(seen: facts.digest))
    let reads = metrics.counter(
      "assay_gateway_catalog_reads_total",
      help: "How often the gateway's file was read again, by what became of it.",
      labels: [.state])
    taken = reads("taken")
    refused = reads("refused")
    isRefused = metrics.gauge(
      "assay_gateway_catalog_refused",
      help: "1 while the gateway's file is not what the gateway goes by, since it is wrong.")()
  }

  /// Looks after the file until the loop ends. Loop's thread only.
  ///
  /// Its folder is watched, not the file: editors and orchestrators put another in its place.
  package func start() {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    _ = DirectoryWatch(path: folder, on: loop) { [self] in plan() }
    plan()
  }

  private func plan() {
    let isPlanned = state.withLock { state in
      defer { state.isLookPlanned = true }
      return state.isLookPlanned
    }
    if isPlanned { return }
    loop.schedule(after: AccountLimits.settleTime) { [self] in
      state.withLock { $0.isLookPlanned = false }
      look(isAsked: false)
    }
  }

  /// Reads the file, and the secrets it names, whether they seem to have changed or not.
  package func readAgain() { loop.execute { [self] in look(isAsked: true) } }

  private func look(isAsked: Bool) {
    let isDue = state.withLock { state in
      state.isAsked = state.isAsked || isAsked
      state.isStale = state.isReading
      defer { state.isReading = true }
      return !state.isReading
    }
    guard isDue else { return }
    Task(executorPreference: loop) { [self] in
      await read()
      let isStale = state.withLock { state in
        state.isReading = false
        defer { state.isStale = false }
        return state.isStale
      }
      if isStale { look(isAsked: false) }
    }
  }

  private func read() async {
    let (isAsked, seen) = state.withLock { state in
      defer { state.isAsked = false }
      return (state.isAsked, state.seen)
    }
    do {
      let digest = try await pool.run { [path] in try FileFacts.digest(of: path) }
      guard isAsked || digest != seen else { return }
      state.withLock { $0.seen = digest }
      let facts = try await pool.run { [path] in try FileFacts(reading: path) }
      try await book.take(facts)
      taken.add()
      isRefused.set(0)
      logger.info(
        "the gateway's file was taken",
        [.path: .string(path), .count: .int(facts.catalog.products.count)])
    } catch {
      refused.add()
      isRefused.set(1)
      tell(error)
    }
  }

  private func tell(_ error: any Error) {
    let problems = (error as? CatalogError)?.problems.map(\.description) ?? []
    let fault = Fault(describing: error)
    for problem in problems.isEmpty ? [fault.message] : problems {
      logger.error(
        "the gateway's file was refused; what it said before stays",
        [
          .path: .string(path), .reason: .string(fault.reason), .error: .string(problem),
          .hint: .string(fault.hint ?? ""),
        ])
    }
  }
}
