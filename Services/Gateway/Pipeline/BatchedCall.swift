import Digest
import Faults
import GatewayBudgets
package import GatewayCatalog
package import GatewayProviders
package import GatewayValues
import HTTPClient
package import JSON
import JSONText
package import LedgerFile

/// Where the requests of one batch go: one key of one provider.
package struct BatchWay: Hashable, Sendable {
  package let provider: GatewayName
  package let key: GatewayName

  package init(provider: GatewayName, key: GatewayName) {
    self.provider = provider
    self.key = key
  }
}

/// A request that is to go into a provider's batch: what is held for it, and what is sent.
package struct BatchedCall: Sendable {
  package let order: AttemptOrder
  package let body: [UInt8]
  /// SHA-256 over the body as its caller wrote it.
  package let hash: [UInt8]
  package let way: BatchWay
  package let dialect: Dialect
  /// Whether a batch costs less than the call alone.
  package let isCheaper: Bool

  /// Reads a call of the mesh's, in what its first provider speaks.
  package init(
    _ request: CallRequest, _ catalog: Catalog, _ prices: PriceTable, atMilliseconds now: Int64
  ) throws {
    let call = try PreparedCall(
      request, catalog, prices, atMilliseconds: now, ways: RouteBook.ways(of: catalog))
    guard let route = call.routes.first, let way = Self.way(route) else {
      throw RequestProblem(.unsupported, "model")
    }
    self.way = way
    dialect = route.dialect
    hash = request.hash
    isCheaper = call.price.price.batchPercent < 100
    order = Self.order(call, way)
    switch try call.body(for: route, isStream: false) {
    case .bytes(let bytes): body = bytes
    case .segments(let segments): body = Array(segments.joined())
    case .none, .source: throw RequestProblem(.unsupported, "body")
    }
  }

  private static func order(_ call: PreparedCall, _ way: BatchWay) -> AttemptOrder {
    let caller = call.request.caller
    var order = AttemptOrder(
      party: CallParty(
        product: caller.product, key: caller.key, run: call.request.run, model: call.model),
      provider: way.provider, bound: call.bound)
    order.isBatched = true
    return order
  }

  /// Reads a request's body as it stands in a batch. `way`: where the requests before it go.
  ///
  /// What a provider would refuse goes to it all the same, bounded by its model's window: it says
  /// so to that one request, as it does to callers of its own. Without a model or a price for
  /// everything there is no bound, and so no batch.
  package init(
    _ bytes: consuming [UInt8], of caller: Caller, in dialect: Dialect, way: BatchWay?,
    _ catalog: Catalog, _ prices: PriceTable, limits: JSONLimits, atMilliseconds now: Int64
  ) throws {
    var digest = SHA256()
    digest.update(bytes)
    hash = digest.finish()
    let text: JSONText
    do {
      text = try JSONText(checking: bytes, limits: limits)
    } catch {
      throw RequestProblem(.notJSON(error))
    }
    let facts = try Self.facts(text, dialect)
    if facts.isStream { throw RequestProblem(.unsupported, "stream") }
    var request = CallRequest(
      caller: caller, facts: facts, content: .passed(text), terms: CallTerms(), hash: hash)
    request.dialect = dialect
    let call = try PreparedCall(
      request, catalog, prices, atMilliseconds: now, ways: RouteBook.ways(of: catalog))
    let open = call.routes.compactMap { route in Self.way(route).map { (route, $0) } }
    guard let (route, taken) = way.map({ way in open.first { $0.1 == way } }) ?? open.first else {
      throw Fault(
        .failedPrecondition, reason: "MIXED_PROVIDERS",
        "\(facts.model) is served elsewhere than the requests before it.",
        hint: "A batch goes to one provider: make one for each.")
    }
    self.way = taken
    self.dialect = dialect
    isCheaper = call.price.price.batchPercent < 100
    order = Self.order(call, taken)
    let edits = try dialect.upstreamEdits(of: text, facts, model: route.model)
    body = edits.isEmpty ? text.bytes : try edits.bytes()
  }

  private static func way(_ route: ModelRoute) -> BatchWay? {
    guard let provider = GatewayName(route.provider.name), let key = GatewayName(route.key.name)
    else { return nil }
    return BatchWay(provider: provider, key: key)
  }

  private static func facts(
    _ text: JSONText, _ dialect: Dialect
  ) throws(RequestProblem) -> CallFacts {
    do {
      return try dialect.read(text)
    } catch {
      switch error.code {
      case .unpriced, .unsupported: throw error
      case .notJSON, .missing, .wrongType, .outOfRange: break
      }
      guard text.root.kind == .object, let model = text["model"]?.string,
        model.utf8.count <= ProviderLimits.nameBytesMax
      else { throw error }
      var facts = CallFacts(model: model)
      facts.hasHiddenInput = true
      facts.isStream = text["stream"]?.bool ?? false
      return facts
    }
  }
}
