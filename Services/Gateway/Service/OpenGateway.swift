import Configuration
import EventLoop
import Faults
import GatewayAccount
import GatewayContract
import GatewayDoor
import GatewayLedger
import GatewayPipeline
import HTTPServer
import LedgerFile
import Lifecycle
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
    let pipeline = try await Self.pipeline(facts, ledger, logger, loop)
    let directory = DoorDirectory()
    let book = try await AccountBook.open(
      facts, ledger: ledger, pipeline: pipeline, directory: directory, logger: logger)
    let door = HTTPDoor(pipeline: pipeline, directory: directory, metrics: environment.metrics)
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
        GatewayHandlers(pipeline: pipeline, ledger: ledger).definition,
        AccountHandlers(book: book, ledger: ledger).definition,
      ],
      beneath: [
        LifecycleMember("ledger") {
          await ShutdownSignal.current?.wait()
          await ledger.close()
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

  private static func pipeline(
    _ facts: FileFacts, _ ledger: Ledger, _ logger: Logger, _ loop: EventLoop
  ) async throws -> CallPipeline {
    try await onLoop(loop) {
      try CallPipeline(
        catalog: facts.catalog, ledger: ledger, cache: NoCache(),
        upstreams: facts.upstreams(on: loop), logger: logger, loop: loop)
    }
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
