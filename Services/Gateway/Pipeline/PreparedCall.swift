import Digest
import Faults
import GatewayCatalog
import GatewayLimits
import GatewayPacing
import GatewayProviders
import GatewayValues

/// A call that may be made: its model known, its price bounded, its routes in order.
struct PreparedCall: Sendable {
  let request: CallRequest
  let card: ModelCard
  let routes: [ModelRoute]
  let model: GatewayName
  let bound: CallBound
  /// The most that it can cost, whichever route it takes.
  let cost: NanoDollars
  let price: PriceTable.Entry
  /// The number of the flight that makes it.
  var flight: UInt64 = 0

  init(
    _ request: CallRequest, _ catalog: Catalog, _ prices: PriceTable, atMilliseconds now: Int64
  ) throws(Fault) {
    let facts = request.facts
    guard let card = catalog.models[facts.model], let model = GatewayName(card.name) else {
      throw Self.unknown(facts.model)
    }
    if let product = catalog.product(request.caller.product.text), !product.models.isEmpty,
      !product.models.contains(where: { catalog.models[$0]?.name == card.name })
    {
      throw Fault(
        .permissionDenied, reason: "MODEL_NOT_ALLOWED",
        "The product \(product.name) may not ask \(card.name).",
        hint: "It may ask: \(product.models.joined(separator: ", ")).")
    }
    let routes = Array(
      catalog.routes(to: card.name, in: request.dialect).prefix(DeskPolicy.routesMax))
    guard !routes.isEmpty else { throw Self.otherDialect(card, catalog, request.dialect) }
    guard let price = prices.entry(for: card.name, atMilliseconds: now) else {
      throw Fault(
        .failedPrecondition, reason: "UNPRICED_MODEL",
        "\(card.name) has no price, so it cannot be paid for.",
        hint: "Give it one in the gateway's file, or with SetPrice.")
    }
    let bound = facts.bound(card.bounds)
    guard let cost = price.price.bound(bound) else {
      throw Fault(
        .failedPrecondition, reason: "UNPRICED_MODEL",
        "\(card.name) has no price for all that this call may use.",
        hint: "Leave out the tools that its provider runs.")
    }
    self.request = request
    self.card = card
    self.routes = routes
    self.model = model
    self.bound = bound
    self.cost = cost
    self.price = price
  }

  /// Names the answer in a cache: what is asked, and which models may have been meant by it. A
  /// name that an operator gives to another model, or another provider, asks anew.
  var cacheHash: [UInt8] {
    var digest = SHA256()
    digest.update(field: request.hash)
    digest.update(field: card.name)
    for route in routes {
      digest.update(field: route.provider.name)
      digest.update(field: route.model)
    }
    return digest.finish()
  }

  /// What limits count while nobody knows better.
  var need: CallNeed {
    CallNeed(
      input: min(bound.inputTokensMax, CallNeed.tokensMax),
      output: min(bound.outputTokensMax, CallNeed.tokensMax))
  }

  private static func unknown(_ model: String) -> Fault {
    Fault(
      .notFound, reason: "UNKNOWN_MODEL", "No provider here serves \(model).",
      hint: "GET /v1/models says which are served.", facts: ["model": model])
  }

  private static func otherDialect(
    _ card: ModelCard, _ catalog: Catalog, _ dialect: Dialect?
  ) -> Fault {
    let spoken = Set(
      card.servings.flatMap { catalog.provider($0.provider)?.dialects ?? [] }.map(\.path))
    return Fault(
      .failedPrecondition, reason: "OTHER_DIALECT",
      "\(card.name) is not served as \(dialect?.path ?? "anything").",
      hint: "Ask it at \(spoken.sorted().joined(separator: " or ")).")
  }
}
