import Configuration
import EventLoop
import Faults
import GatewayBatches
import GatewayBudgets
import GatewayCatalog
import GatewayContract
import GatewayDoor
import GatewayLedger
import GatewayPipeline
import GatewayValues
import HTTPServer
import LedgerFile
import Lifecycle
import RPC
import ServiceHost
import Telemetry

/// A gateway with its file open and its doors listening.
struct OpenGateway {
  let parts: ServiceParts

  init(_ catalog: Catalog, _ environment: ServiceEnvironment) async throws {
    let values = environment.configuration.current
    let loop = environment.loop
    let logger = environment.logger
    var options = LedgerOptions(folder: values[GatewaySettings.path])
    options.durability = LedgerDurability(rawValue: values[GatewaySettings.durability]) ?? .power
    let ledger = try await Ledger.open(options, on: loop)
    try await Self.enter(catalog, into: ledger)
    let pipeline = try await Self.pipeline(catalog, ledger, logger, loop)
    let batches = try await Self.batches(pipeline, ledger, values, logger)
    let door = HTTPDoor(
      pipeline: pipeline, batches: batches, callers: try CallerDirectory(catalog), catalog: catalog,
      metrics: environment.metrics)
    let server = HTTPServer(
      on: loop, limits: Self.limits(bodyBytes: values[GatewaySettings.bodyMemory]),
      errorBody: { HTTPDoor.errorBody($0, $1) },
      route: { door.route($0) })
    for text in values[GatewaySettings.listen] {
      let address = try await server.listen(on: try Self.address(text))
      logger.info("listening for HTTP", [.address: .string(address.description)])
    }
    parts = ServiceParts(
      [GatewayHandlers(pipeline: pipeline, ledger: ledger, batches: batches).definition],
      beneath: [
        LifecycleMember("ledger") {
          await ShutdownSignal.current?.wait()
          await batches.close()
          await ledger.close()
        }
      ],
      beside: [LifecycleMember("http") { try await server.run() }])
  }

  private static func limits(bodyBytes: Int) -> HTTPServerLimits {
    var limits = HTTPServerLimits()
    limits.heldBodyBytesMax = bodyBytes
    limits.headBytesMax = 32 << 10
    return limits
  }

  private static func pipeline(
    _ catalog: Catalog, _ ledger: Ledger, _ logger: Logger, _ loop: EventLoop
  ) async throws -> CallPipeline {
    try await onLoop(loop) {
      try CallPipeline(
        catalog: catalog, ledger: ledger, cache: NoCache(),
        upstreams: Upstreams(catalog, on: loop), logger: logger, loop: loop)
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

  /// What the file says of money holds from now on; what was said before stays as its history.
  private static func enter(_ catalog: Catalog, into ledger: Ledger) async throws {
    let known = ledger.prices
    for card in catalog.cards {
      guard let model = GatewayName(card.name), let version = GatewayName(card.priceVersion),
        known.history(of: card.name).last?.price != card.price
      else { continue }
      try await ledger.set(price: card.price, of: model, version: version, note: "catalog")
    }
    try await enterBudgets(catalog, into: ledger)
  }

  /// A budget of a product and a period is the file's: one that it does not name holds no more.
  private static func enterBudgets(_ catalog: Catalog, into ledger: Ledger) async throws {
    var named: Set<GatewayName> = []
    for product in catalog.products {
      for entry in product.budgets {
        guard let name = GatewayName("\(product.name)/\(entry.period.rawValue)"),
          let owner = GatewayName(product.name)
        else { continue }
        named.insert(name)
        let period: BudgetPeriod =
          switch entry.period {
          case .total: .total
          case .day: .day
          case .month: .month
          }
        let budget = GatewayBudgets.Budget(
          name, scope: GatewayBudgets.BudgetScope(product: .only(owner)), period: period,
          zone: entry.zone,
          cap: entry.cap)
        if ledger.budgets.contains(budget) { continue }
        try await ledger.set(budget, note: "catalog")
      }
    }
    let periods = BudgetEntry.Period.allCases.map { "/\($0.rawValue)" }
    for budget in ledger.budgets
    where !named.contains(budget.name) && periods.contains(where: budget.name.text.hasSuffix) {
      try await ledger.remove(budget: budget.name, note: "not in the catalog")
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
