package import GatewayProviders
package import GatewayValues

/// What is known of a model, whoever serves it.
package struct ModelCard: Equatable, Sendable {
  /// One provider that serves it, and its name there.
  package struct Serving: Equatable, Sendable {
    package var provider: String
    package var name: String

    package init(provider: String, name: String) {
      self.provider = provider
      self.name = name
    }
  }

  package var name: String
  package var aliases: [String]
  package var bounds: ModelBounds
  /// Models that share a provider's buckets have the same.
  package var bucketClass: String
  /// A shorter prefix is never cached; nil where the provider caches none.
  package var cacheableTokensMin: Int64?
  /// Whether its providers take `prompt_cache_key` from calls that begin alike.
  package var takesCacheKey = false
  package var price: ModelPrice
  package var priceVersion: String
  package var servings: [Serving] = []
  /// nil: no call is ever doubled while it is being made.
  package var hedge: HedgeRule?

  package init(
    name: String, aliases: [String] = [], bounds: ModelBounds, bucketClass: String,
    cacheableTokensMin: Int64? = nil, price: ModelPrice, priceVersion: String
  ) {
    self.name = name
    self.aliases = aliases
    self.bounds = bounds
    self.bucketClass = bucketClass
    self.cacheableTokensMin = cacheableTokensMin
    self.price = price
    self.priceVersion = priceVersion
  }
}
