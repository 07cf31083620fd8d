import Blobs
import Configuration
import EventLoop
import Faults
import GatewayAccount
import GatewayBatches
import GatewayCache
import GatewayContract
import GatewayDoor
import GatewayLedger
import GatewayPipeline
import HTTPServer
import LedgerFile
import Lifecycle
import Machine
import RPC
import ServiceHost
import Telemetry

/// A gateway with its file open and its doors listening.
struct OpenGateway {
  let parts: ServiceParts

  /// `path` is the file that the facts were read from, when there is one.
  init(_ facts: FileFacts, path: String?, _ environment: ServiceEnvironment) async throws {
    let values = environment.configuration.current
    let loop = environment.loop
    let logger = environment.logger
    var options = LedgerOptions(folder: values[GatewaySettings.path])
    options.durability = LedgerDurability(rawValue: values[GatewaySettings.durability]) ?? .power
    let ledger = try await Ledger.open(options, on: loop)
    if let why = ledger.journalAbsence {
      logger.warning(
        "no journal of settlements can be kept: each answer waits for its commit",
        [.path: .string(options.folder), .error: .string(why)])
    }
    let cache = try await Self.cache(environment)
    let plans = values[GatewaySettings.promptCache] == "plan"
    let metrics = environment.metrics
    let blobs = try await Self.blobs(values[GatewaySettings.blobs])
    let pipeline = try await Self.onLoop(loop) {
      try CallPipeline(
        catalog: facts.catalog, ledger: ledger, cache: cache.map { FiledAnswers($0) } ?? NoCache(),
        upstreams: facts.upstreams(on: loop), blobs: blobs, plansPrompts: plans, metrics: metrics,
        logger: logger, loop: loop)
    }
    let directory = DoorDirectory()
    let book = try await AccountBook.open(
      facts, ledger: ledger, pipeline: pipeline, directory: directory, logger: logger)
    let batches = try await Self.batches(pipeline, ledger, values, logger)
    let door = HTTPDoor(
      pipeline: pipeline, batches: batches, directory: directory, metrics: metrics)
    let server = HTTPServer(
      on: loop, limits: Self.limits(bodyBytes: values[GatewaySettings.bodyMemory]),
      errorBody: { HTTPDoor.errorBody($0, $1) },
      route: { door.route($0) })
    for text in values[GatewaySettings.listen] {
      let address = try await server.listen(on: try Self.address(text))
      logger.info("listening for HTTP", [.address: .string(address.description)])
    }
    let watch = path.map {
      CatalogWatch($0, facts, book: book, logger: logger, metrics: environment.metrics)
    }
    if let watch { loop.execute { watch.start() } }
    parts = ServiceParts(
      [
        GatewayHandlers(pipeline: pipeline, ledger: ledger, batches: batches).definition,
        AccountHandlers(book: book, ledger: ledger).definition,
      ],
      beneath: [
        LifecycleMember("ledger") {
          await ShutdownSignal.current?.wait()
          await batches.close()
          await cache?.close()
          await ledger.close()
          await blobs?.close()
        }
      ],
      beside: [LifecycleMember("http") { try await server.run() }],
      reload: { watch?.readAgain() })
  }

  private static func limits(bodyBytes: Int) -> HTTPServerLimits {
    var limits = HTTPServerLimits()
    limits.heldBodyBytesMax = bodyBytes
    limits.headBytesMax = 32 << 10
    return limits
  }

  /// The cache of whole answers, beside the ledger, whose lock it shares; nil when it is off.
  private static func cache(_ environment: ServiceEnvironment) async throws -> AnswerCache? {
    let values = environment.configuration.current
    let options = CacheOptions(
      folder: values[GatewaySettings.path], bytesMax: values[GatewaySettings.cacheBytes],
      ageMax: values[GatewaySettings.cacheAge],
      clock: {
        let now = WallTime.now()
        return now.seconds * 1_000 + Int64(now.nanoseconds) / 1_000_000
      })
    guard options.isOn else {
      environment.logger.info("answers are not cached")
      return nil
    }
    return try await AnswerCache.open(
      options, counts: CacheCounts(environment.metrics), logger: environment.logger)
  }

  /// Where documents lie; nil where none may be referred to.
  private static func blobs(_ folder: String?) async throws -> LocalBlobs? {
    guard let folder else { return nil }
    do {
      return try await LocalBlobs.open(folder, for: .reading)
    } catch {
      throw Fault(
        .failedPrecondition, reason: "BAD_BLOBS", "The documents' folder cannot be read: \(error).",
        hint: "Make it, or leave \(GatewaySettings.blobs.definition.variable) out.")
    }
  }

  /// Batches, those that an earlier process has left included.
  private static func batches(
    _ pipeline: CallPipeline, _ ledger: Ledger, _ values: ConfigurationValues, _ logger: Logger
  ) async throws -> BatchRunner {
    let file = try await BatchFile(opening: "\(values[GatewaySettings.path])/batches.db")
    func milliseconds(_ duration: Duration) -> Int64 {
      duration.components.seconds * 1_000
        + duration.components.attoseconds / 1_000_000_000_000_000
    }
    let first = milliseconds(values[GatewaySettings.batchPoll])
    var pace = BatchPace(firstMilliseconds: first, mostMilliseconds: first * 12)
    pace.gatherMilliseconds = milliseconds(values[GatewaySettings.batchGather])
    pace.leadMilliseconds = milliseconds(values[GatewaySettings.batchLead])
    let runner = BatchRunner(
      pipeline: pipeline, ledger: ledger, file: file, pace: pace, logger: logger)
    try await runner.start()
    return runner
  }

  private static func onLoop<R: Sendable>(
    _ loop: EventLoop, _ body: @escaping @Sendable () throws -> R
  ) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
      loop.execute { continuation.resume(with: Result { try body() }) }
    }
  }

  private static func address(_ text: String) throws -> SocketAddress {
    if text.hasPrefix("unix:") { return .unix(path: String(text.dropFirst(5))) }
    let scheme = "tcp://"
    guard text.hasPrefix(scheme), let colon = text.lastIndex(of: ":"),
      let port = UInt16(text[text.index(after: colon)...])
    else {
      throw Fault(
        .failedPrecondition, reason: "BAD_ADDRESS", "\(text) is nowhere to listen.",
        hint: "tcp://127.0.0.1:8080 or unix:/path")
    }
    let host = text.dropFirst(scheme.count)[..<colon]
    return .tcp(host: String(host.filter { $0 != "[" && $0 != "]" }), port: port)
  }
}
