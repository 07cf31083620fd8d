import EventLoop
import GatewayCache
import GatewayValues
import Locking
import Machine
import SQLite
import Telemetry
import TestSupport

/// A folder, a clock that only the test moves, and what was counted.
final class CacheFixture: Sendable {
  let loop: EventLoop
  let folder: String
  private let clock = Lock<Int64>(1_800_000_000_000)
  private let limit = Lock<Int>(16 << 20)
  private let metrics = Metrics()

  var path: String { "\(folder)/cache.db" }

  var bytesMax: Int {
    get { limit.withLock { $0 } }
    set { limit.withLock { $0 = newValue } }
  }

  private init(_ loop: EventLoop, _ folder: String) {
    self.loop = loop
    self.folder = folder
  }

  static func with(_ body: (CacheFixture) async throws -> Void) async throws {
    try await ScratchFolder.with { scratch in
      let loop = try EventLoop(name: "cache-test")
      try loop.start()
      defer {
        loop.stop()
        loop.join()
      }
      try await body(CacheFixture(loop, scratch.path))
    }
  }

  func open() async throws -> AnswerCache {
    let options = CacheOptions(
      folder: folder, bytesMax: bytesMax, ageMax: .seconds(86_400),
      clock: { [self] in clock.withLock { $0 } })
    return try await AnswerCache.open(
      options, counts: CacheCounts(metrics),
      logger: Logger(
        service: "gateway", instance: "test", to: LogSink(format: .json, level: .error)))
  }

  static let demo = name("demo")
  static let other = name("other")

  private static func name(_ text: String) -> GatewayName {
    // A text that is a name.
    GatewayName(text) ?? name("other")
  }

  func pass(_ time: Duration) {
    let (seconds, attoseconds) = time.components
    clock.withLock { $0 += seconds * 1_000 + attoseconds / 1_000_000_000_000_000 }
  }

  func key(_ index: Int, _ product: GatewayName = demo) -> CacheKey {
    var hash = [UInt8](repeating: 7, count: 32)
    for place in 0..<4 { hash[place] = UInt8(index >> (place * 8) & 0xFF) }
    return CacheKey(product: product, hash: hash)
  }

  func answer(_ index: Int, bytes: Int = 100) -> CachedAnswer {
    CachedAnswer(
      facts: Array("facts \(index)".utf8),
      body: [UInt8](repeating: UInt8(index & 0xFF), count: bytes))
  }

  func count(_ state: String) -> Int {
    let text = metrics.snapshot().prometheusText
    return text.split(separator: "\n").filter {
      $0.hasPrefix("assay_gateway_cache_answers_total") && $0.contains("state=\"\(state)\"")
    }.reduce(0) { $0 + (Int(Double($1.split(separator: " ").last ?? "") ?? 0)) }
  }

  func change(_ body: (Connection) throws -> Void) throws {
    var options = ConnectionOptions(.readWrite)
    options.busyTimeoutMilliseconds = 5_000
    let connection = try Connection(path, options)
    try body(connection)
    _ = try? connection.checkpoint(.truncate)
  }

  func number(_ sql: String) throws -> Int {
    Int(try Connection(path, ConnectionOptions(.readOnly)).number(sql))
  }

  func rows() throws -> Int { try number("SELECT count(*) FROM answers") }
}
