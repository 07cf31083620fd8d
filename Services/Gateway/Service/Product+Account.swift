import Faults
import GatewayAccount
import GatewayContract
import GatewayValues
import LedgerFile

extension Product {
  init(_ name: GatewayName, _ standing: AccountBook.ProductStanding) {
    self.init()
    let words = standing.words
    self.name = name.text
    weight = UInt32(clamping: words.weight)
    models = words.models
    isClosed = words.isClosed
    origin = standing.origin.rawValue
    guard !words.limits.isEmpty else { return }
    limits = CallLimits(
      requestsPerMinute: words.limits["requests_per_minute"] ?? 0,
      inputTokensPerMinute: words.limits["input_tokens_per_minute"] ?? 0,
      outputTokensPerMinute: words.limits["output_tokens_per_minute"] ?? 0,
      concurrency: words.limits["concurrency"] ?? 0,
      requestsPerHour: words.limits["requests_per_hour"] ?? 0)
  }
}

extension ProductWords {
  init(_ product: Product) {
    var limits: [String: Int64] = [:]
    let told = product.limits ?? CallLimits()
    for (name, limit) in [
      ("requests_per_minute", told.requestsPerMinute),
      ("input_tokens_per_minute", told.inputTokensPerMinute),
      ("output_tokens_per_minute", told.outputTokensPerMinute),
      ("concurrency", told.concurrency), ("requests_per_hour", told.requestsPerHour),
    ] where limit != 0 {
      limits[name] = limit
    }
    self.init(
      weight: product.weight == 0 ? 1 : Int64(product.weight), models: product.models,
      limits: limits, isClosed: product.isClosed)
  }
}

extension Key {
  init(_ key: AccountBook.KeyStanding) {
    self.init()
    id = key.id
    product = key.product.text
    name = key.name.text
    createdAtMs = key.createdAt
    revokedAtMs = key.revokedAt ?? 0
    origin = key.origin.rawValue
  }
}

extension GatewayContract.ModelPrice {
  init(_ version: PriceVersion) {
    self.init()
    model = version.model
    price = Price(
      version.entry.price, version: version.entry.version,
      fromMilliseconds: version.entry.fromMilliseconds)
    origin = version.origin.rawValue
  }
}

extension GatewayValues.ModelPrice {
  /// Kinds of input that have no price of their own cost what input costs.
  init(_ price: Price) throws(Fault) {
    let amounts = [
      price.inputNanos, price.outputNanos, price.cacheReadNanos, price.cacheWriteNanos,
      price.cacheWriteLongNanos,
    ]
    guard amounts.allSatisfy({ $0 >= 0 }), price.batchPercent <= 100 else {
      throw AccountAccess.bad(
        "price", "An amount is below 0, or a batch costs more than its calls.")
    }
    guard price.inputNanos > 0, price.outputNanos > 0 else {
      throw AccountAccess.bad("price", "Input and output have a price above 0.")
    }
    func optional(_ nanos: Int64) -> NanoDollars? { nanos == 0 ? nil : NanoDollars(nanos) }
    self.init(
      input: NanoDollars(price.inputNanos), output: NanoDollars(price.outputNanos),
      cacheRead: optional(price.cacheReadNanos), cacheWriteShort: optional(price.cacheWriteNanos),
      cacheWriteLong: optional(price.cacheWriteLongNanos))
  }
}
