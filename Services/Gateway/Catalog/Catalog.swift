// GatewayCatalog: what an operator tells the gateway: which providers there are and by which keys,
// which models they serve and what those cost, which products may ask and how much. One checked
// value, read from one file and from a table of models that everybody knows; all that is wrong
// with the file is reported at once, with lines. It holds no secret, only where secrets lie, and
// opens nothing but the file it is given. Limits: `CatalogLimits`.

package import GatewayProviders
package import GatewayValues

/// Named limits of the file.
package enum CatalogLimits {
  package static let fileBytesMax = 1 << 20
  package static let entriesMax = 1_000
  package static let problemsMax = 20
}

/// Providers, models and products, as they hold from the reading of a file to the next.
package struct Catalog: Equatable, Sendable {
  package var providers: [ProviderEntry] = []
  /// By name and by alias.
  package private(set) var models: [String: ModelCard] = [:]
  package var products: [ProductEntry] = []
  /// Whether a caller may be of a product that is not among them: where the file names none.
  package var takesAnyProduct = true

  package init() {}

  package mutating func add(_ card: ModelCard) {
    for name in [card.name] + card.aliases { models[name] = card }
  }

  package func provider(_ name: String) -> ProviderEntry? { providers.first { $0.name == name } }

  package func product(_ name: String) -> ProductEntry? { products.first { $0.name == name } }

  /// A model as a caller names it, with the providers that serve it in a dialect, in order.
  package func routes(to model: String, in dialect: Dialect?) -> [ModelRoute] {
    guard let card = models[model] else { return [] }
    return card.servings.flatMap { serving -> [ModelRoute] in
      guard let provider = provider(serving.provider) else { return [] }
      let spoken =
        dialect.map { provider.dialects.contains($0) ? $0 : nil } ?? provider.dialects.first
      guard let spoken else { return [] }
      return provider.keys.map { key in
        ModelRoute(
          provider: provider, key: key, model: serving.name, dialect: spoken,
          bucket: "\(provider.name)/\(key.name)/\(card.bucketClass)")
      }
    }
  }

  /// Models in the order of their names, each once.
  package var cards: [ModelCard] {
    models.filter { $0.key == $0.value.name }.values.sorted { $0.name < $1.name }
  }
}

/// One way to a model: a provider, one of its keys, and what the model is called there.
///
/// A class: a call hands it from stage to stage.
package final class ModelRoute: Sendable {
  package let provider: ProviderEntry
  package let key: ProviderKey
  package let model: String
  package let dialect: Dialect
  /// Calls of one bucket share the provider's limits.
  package let bucket: String

  init(
    provider: ProviderEntry, key: ProviderKey, model: String, dialect: Dialect, bucket: String
  ) {
    self.provider = provider
    self.key = key
    self.model = model
    self.dialect = dialect
    self.bucket = bucket
  }
}

/// Limits that an operator sets; nil: none of its own.
package struct RateLimits: Equatable, Sendable {
  package var requestsPerMinute: Int64?
  package var inputTokensPerMinute: Int64?
  package var outputTokensPerMinute: Int64?
  package var concurrency: Int64?
  package var requestsPerHour: Int64?

  package init() {}
}

/// A company or a server that answers calls.
package struct ProviderEntry: Equatable, Sendable {
  package var name: String
  /// What it speaks, the one that is used for our own calls first.
  package var dialects: [Dialect]
  /// `https://host`, `http://host:port` or `unix:/path`.
  package var address: String
  package var keys: [ProviderKey] = []
  package var schemaWay = SchemaWay.native
  /// A CA of its own, for servers inside a house.
  package var authorityFile: String?
  /// Whether its address may be one of this machine or of a private network.
  package var isInternal = false

  package init(name: String, dialects: [Dialect], address: String) {
    self.name = name
    self.dialects = dialects
    self.address = address
  }
}

/// A key at a provider; the secret itself lies in a file.
package struct ProviderKey: Equatable, Sendable {
  package enum Source: Equatable, Sendable {
    case file(String)
    /// For providers that ask for none, as the simulator does not.
    case text(String)
  }

  package var name: String
  package var source: Source
  package var limits = RateLimits()

  package init(name: String, source: Source) {
    self.name = name
    self.source = source
  }
}

/// Who may ask, and how much.
package struct ProductEntry: Equatable, Sendable {
  package var name: String
  package var weight: Int64 = 1
  /// Empty: all that have a price.
  package var models: [String] = []
  package var limits = RateLimits()
  package var keys: [ProviderKey] = []
  package var budgets: [BudgetEntry] = []
  /// Whether its calls are refused.
  package var isClosed = false

  package init(name: String) { self.name = name }
}

/// A cap of a product.
package struct BudgetEntry: Equatable, Sendable {
  package enum Period: String, CaseIterable, Sendable {
    case total
    case day
    case month
  }

  package var period: Period
  package var cap: NanoDollars
  package var zone: String

  package init(period: Period, cap: NanoDollars, zone: String) {
    self.period = period
    self.cap = cap
    self.zone = zone
  }
}
