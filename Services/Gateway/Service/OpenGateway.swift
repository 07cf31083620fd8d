import Configuration
import EventLoop
import Faults
import GatewayBudgets
import GatewayCache
import GatewayCatalog
import GatewayContract
import GatewayDoor
import GatewayLedger
import GatewayPipeline
import GatewayValues
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

  init(_ catalog: Catalog, _ environment: ServiceEnvironment) async throws {
    let values = environment.configuration.current
    let loop = environment.loop
    let logger = environment.logger
    var options = LedgerOptions(folder: values[GatewaySettings.path])
    options.durability = LedgerDurability(rawValue: values[GatewaySettings.durability]) ?? .power
    let ledger = try await Ledger.open(options, on: loop)
    try await Self.enter(catalog, into: ledger)
    let cache = try await Self.cache(environment)
    let plans = values[GatewaySettings.promptCache] == "plan"
    let metrics = environment.metrics
    let pipeline = try await Self.onLoop(loop) {
      try CallPipeline(
        catalog: catalog, ledger: ledger, cache: cache.map { FiledAnswers($0) } ?? NoCache(),
        upstreams: Upstreams(catalog, on: loop), plansPrompts: plans, metrics: metrics,
        logger: logger, loop: loop)
    }
    let door = HTTPDoor(
      pipeline: pipeline, callers: try CallerDirectory(catalog), catalog: catalog,
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
      [GatewayHandlers(pipeline: pipeline, ledger: ledger).definition],
      beneath: [
        LifecycleMember("ledger") {
          await ShutdownSignal.current?.wait()
          await cache?.close()
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
