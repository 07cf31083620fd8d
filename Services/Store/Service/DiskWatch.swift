import EventLoop
import Machine
import Telemetry

/// Looks now and then how full the disk of the database is, and says so before it is too late.
struct DiskWatch: Sendable {
  let path: String
  let loop: EventLoop
  let logger: Logger
  let metrics: StoreMetrics

  static let interval = Duration.seconds(10)
  static let warnAtPercent: Int64 = 90
  /// Once it was told, the disk must have this much room again before it is told anew.
  private static let calmAtPercent: Int64 = 85

  /// Until the task is cancelled.
  func run() async throws {
    let pool = BlockingPool(name: "store-disk", threadsMax: 1)
    let path = path
    var isTold = false
    while true {
      // A file system that hangs holds up this thread and nobody else.
      let space = try await pool.run { MachineFacts.space(at: path) }
      if let space, space.total > 0 {
        let used = Int64(100 - min(100, space.free * 100 / space.total))
        metrics.diskUsed.set(used)
        if used >= Self.warnAtPercent, !isTold {
          logger.warning(
            "the disk of the database is nearly full",
            [.path: .string(path), .count: .int(used), .bytes: .int(space.free)])
        }
        isTold = used >= Self.warnAtPercent || isTold && used > Self.calmAtPercent
      }
      try await loop.sleep(for: Self.interval)
    }
  }
}
