import GatewayCatalog
import GatewayLimits
import GatewayPacing
import GatewayProviders

extension DeskConfiguration {
  /// The limits of a catalog: its products, its providers' keys, and a bucket for what each
  /// provider counts together.
  init(_ catalog: Catalog) {
    var keys: [Key] = []
    var buckets: [String: Bucket] = [:]
    var routes: [String: Route] = [:]
    for provider in catalog.providers {
      for key in provider.keys {
        keys.append(Key(name: "\(provider.name)/\(key.name)"))
      }
    }
    for card in catalog.cards {
      for way in catalog.routes(to: card.name, in: nil) {
        let name = way.deskName
        let key = "\(way.provider.name)/\(way.key.name)"
        routes[name] = Route(
          name: name, provider: way.provider.name, key: key, bucket: way.bucket,
          modelClass: card.bucketClass)
        let law: CountingLaw = way.dialect.family == .anthropic ? .anthropic : .openAI
        buckets[way.bucket] = Bucket(
          name: way.bucket, limits: ScopeLimits(way.key.limits), policy: BucketPolicy(law: law))
      }
    }
    self.init(
      products: catalog.deskProducts.map {
        Product(name: $0.name, limits: ScopeLimits($0.limits), weight: Int($0.weight))
      }, keys: keys, buckets: buckets.values.sorted { $0.name < $1.name },
      routes: routes.values.sorted { $0.name < $1.name })
  }
}

extension Catalog {
  /// The product of calls from within the mesh that name none.
  static let defaultProduct = "default"

  fileprivate var deskProducts: [ProductEntry] {
    product(Self.defaultProduct) == nil
      ? products + [ProductEntry(name: Self.defaultProduct)] : products
  }
}

extension ModelRoute {
  /// The desk's name of it: a key and a class of models, whatever dialect is spoken.
  var deskName: String { bucket }
}

extension ScopeLimits {
  init(_ limits: RateLimits) {
    self.init(
      requestsPerMinute: limits.requestsPerMinute,
      inputTokensPerMinute: limits.inputTokensPerMinute,
      outputTokensPerMinute: limits.outputTokensPerMinute, callsPerHour: limits.requestsPerHour,
      concurrency: limits.concurrency)
  }
}
