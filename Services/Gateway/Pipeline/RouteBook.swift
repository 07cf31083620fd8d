import GatewayCatalog
import GatewayLimits
import GatewayProviders

/// The ways to models as one catalog has them, made once and not for every call.
struct RouteBook {
  private struct Question: Hashable {
    let model: String
    let dialect: Dialect?
  }

  private var known: [Question: [ModelRoute]] = [:]

  /// As many models as a catalog may have, in every dialect, are fewer.
  private static let knownMax = 8_192

  mutating func ways(
    to model: String, in dialect: Dialect?, of catalog: Catalog
  ) -> [ModelRoute] {
    let question = Question(model: model, dialect: dialect)
    if let ways = known[question] { return ways }
    let ways = Self.ways(of: catalog)(model, dialect)
    if known.count < Self.knownMax { known[question] = ways }
    return ways
  }

  /// Without a memory.
  static func ways(of catalog: Catalog) -> (String, Dialect?) -> [ModelRoute] {
    { model, dialect in
      Array(catalog.routes(to: model, in: dialect).prefix(DeskPolicy.routesMax))
    }
  }
}
