package import GatewayCache
import GatewayProviders
package import GatewayValues
import JSON

/// Answers in the cache's file, with what a receipt says of them.
package struct FiledAnswers: ResponseCache {
  private let cache: AnswerCache

  package init(_ cache: AnswerCache) { self.cache = cache }

  package func answer(product: GatewayName, hash: [UInt8]) async -> CallAnswer? {
    guard let known = await cache.answer(CacheKey(product: product, hash: hash)),
      let receipt = CallReceipt(cached: known.facts)
    else { return nil }
    return CallAnswer(body: known.body, receipt: receipt)
  }

  package func keep(_ answer: CallAnswer, product: GatewayName, hash: [UInt8]) {
    cache.keep(
      CachedAnswer(facts: answer.receipt.cachedFacts, body: answer.body),
      for: CacheKey(product: product, hash: hash))
  }
}

extension CallReceipt {
  /// What is kept of it beside the answer.
  fileprivate var cachedFacts: [UInt8] {
    let facts: JSONValue = [
      "provider": .string(provider), "dialect": .string(dialect.rawValue),
      "schema_way": .string(schemaWay.rawValue), "request_id": .string(providerRequestID),
      "model": .string(model), "price": .string(priceVersion),
      "finish": finish == .toolCalls ? "tool_calls" : "stop",
      "usage": .array(usage.kinds.map { .number(Int($0)) }),
      "standing": .number(Int(standing.rawValue)),
    ]
    return facts.bytes()
  }

  /// nil when another version of the program has written something else.
  fileprivate init?(cached bytes: [UInt8]) {
    guard let facts = try? JSONValue(parsing: bytes),
      let dialect = facts["dialect"]?.stringValue.flatMap(Dialect.init(rawValue:)),
      let way = facts["schema_way"]?.stringValue.flatMap(SchemaWay.init(rawValue:)),
      let usage = facts["usage"]?.arrayValue.flatMap(TokenUsage.init(kinds:)),
      let standing = facts["standing"]?.intValue.flatMap({ UsageStanding(rawValue: Int64($0)) })
    else { return nil }
    self.init()
    provider = facts["provider"]?.stringValue ?? ""
    providerRequestID = facts["request_id"]?.stringValue ?? ""
    model = facts["model"]?.stringValue ?? ""
    priceVersion = facts["price"]?.stringValue ?? ""
    finish = facts["finish"] == "tool_calls" ? .toolCalls : .stop
    hasContent = true
    self.dialect = dialect
    schemaWay = way
    self.usage = usage
    self.standing = standing
  }
}

extension TokenUsage {
  fileprivate var kinds: [Int64] {
    [freshInput, cacheRead, cacheWriteShort, cacheWriteLong, output, reasoning, webSearches]
  }

  fileprivate init?(kinds: [JSONValue]) {
    let counts = kinds.compactMap { $0.intValue.map(Int64.init) }
    guard counts.count == 7, kinds.count == 7 else { return nil }
    self.init(
      freshInput: counts[0], cacheRead: counts[1], cacheWriteShort: counts[2],
      cacheWriteLong: counts[3], output: counts[4], reasoning: counts[5], webSearches: counts[6])
  }
}
