import GatewayCatalog
import GatewayValues
import JSON

/// A product as the ledger keeps it: what is said about it, without its keys and budgets, which
/// have histories of their own.
package struct ProductWords: Hashable, Sendable {
  package var weight: Int64
  package var models: [String]
  package var limits: [String: Int64]
  package var isClosed: Bool

  package static let limitNames = [
    "requests_per_minute", "input_tokens_per_minute", "output_tokens_per_minute", "concurrency",
    "requests_per_hour",
  ]

  package init(
    weight: Int64 = 1, models: [String] = [], limits: [String: Int64] = [:],
    isClosed: Bool = false
  ) {
    self.weight = weight
    self.models = models
    self.limits = limits
    self.isClosed = isClosed
  }

  init(_ entry: ProductEntry) {
    self.init(weight: entry.weight, models: entry.models, isClosed: entry.isClosed)
    limits["requests_per_minute"] = entry.limits.requestsPerMinute
    limits["input_tokens_per_minute"] = entry.limits.inputTokensPerMinute
    limits["output_tokens_per_minute"] = entry.limits.outputTokensPerMinute
    limits["concurrency"] = entry.limits.concurrency
    limits["requests_per_hour"] = entry.limits.requestsPerHour
  }

  /// The product as calls are made by it.
  func entry(named name: GatewayName) -> ProductEntry {
    var entry = ProductEntry(name: name.text)
    entry.weight = weight
    entry.models = models
    entry.isClosed = isClosed
    entry.limits.requestsPerMinute = limits["requests_per_minute"]
    entry.limits.inputTokensPerMinute = limits["input_tokens_per_minute"]
    entry.limits.outputTokensPerMinute = limits["output_tokens_per_minute"]
    entry.limits.concurrency = limits["concurrency"]
    entry.limits.requestsPerHour = limits["requests_per_hour"]
    return entry
  }

  // MARK: - On the disk

  var bytes: [UInt8] {
    var object = JSONObject()
    object["weight"] = .number(JSONNumber(weight))
    object["models"] = .array(models.map { .string($0) })
    object["closed"] = .bool(isClosed)
    for name in Self.limitNames {
      if let limit = limits[name] { object[name] = .number(JSONNumber(limit)) }
    }
    return JSONValue.object(object).bytes()
  }

  /// nil when it is not what `bytes` writes.
  init?(bytes: [UInt8]) {
    guard let object = (try? JSONValue(parsing: bytes))?.objectValue,
      let weight = object["weight"]?.numberValue?.int64, let closed = object["closed"]?.boolValue,
      let models = object["models"]?.arrayValue
    else { return nil }
    self.init(weight: weight, models: models.compactMap(\.stringValue), isClosed: closed)
    for name in Self.limitNames { limits[name] = object[name]?.numberValue?.int64 }
  }
}
