package import GatewayCache
import GatewayProviders
package import GatewayValues

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
  /// What is kept of it beside the answer: a version, then texts and numbers one after another.
  fileprivate var cachedFacts: [UInt8] {
    var facts = FactWriter()
    facts.add(provider)
    facts.add(dialect.rawValue)
    facts.add(schemaWay.rawValue)
    facts.add(providerRequestID)
    facts.add(model)
    facts.add(priceVersion)
    facts.add(finish == .toolCalls ? 1 : 0)
    facts.add(Int64(standing.rawValue))
    for count in usage.kinds { facts.add(count) }
    return facts.bytes
  }

  /// nil when another version of the program has written something else.
  fileprivate init?(cached bytes: [UInt8]) {
    var facts = FactReader(bytes)
    self.init()
    provider = facts.text()
    let (dialect, way) = (Dialect(rawValue: facts.text()), SchemaWay(rawValue: facts.text()))
    providerRequestID = facts.text()
    model = facts.text()
    priceVersion = facts.text()
    finish = facts.number() == 1 ? .toolCalls : .stop
    let standing = UsageStanding(rawValue: facts.number())
    let usage = TokenUsage(kinds: (0..<TokenUsage.kindCount).map { _ in facts.number() })
    guard facts.isWhole, let dialect, let way, let standing else { return nil }
    hasContent = true
    self.dialect = dialect
    schemaWay = way
    self.usage = usage
    self.standing = standing
  }
}

extension TokenUsage {
  fileprivate static let kindCount = 7

  fileprivate var kinds: [Int64] {
    [freshInput, cacheRead, cacheWriteShort, cacheWriteLong, output, reasoning, webSearches]
  }

  fileprivate init(kinds: [Int64]) {
    self.init(
      freshInput: kinds[0], cacheRead: kinds[1], cacheWriteShort: kinds[2],
      cacheWriteLong: kinds[3], output: kinds[4], reasoning: kinds[5], webSearches: kinds[6])
  }
}

private let factsVersion: UInt8 = 2

/// An answer's facts are written for every call: without the pains of a text.
private struct FactWriter {
  private(set) var bytes: [UInt8] = [factsVersion]

  init() { bytes.reserveCapacity(224) }

  mutating func add(_ text: String) {
    let utf8 = text.utf8.prefix(Int(UInt16.max))
    bytes.append(UInt8(utf8.count >> 8))
    bytes.append(UInt8(utf8.count & 0xFF))
    bytes.append(contentsOf: utf8)
  }

  mutating func add(_ number: Int64) {
    for shift in stride(from: 56, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> Int64(shift)))
    }
  }
}

/// Reads them again; whatever is not there reads as nothing, and shows in `isWhole`.
private struct FactReader {
  private var rest: ArraySlice<UInt8>
  private var isShort = false

  init(_ bytes: [UInt8]) {
    rest = bytes.dropFirst()
    isShort = bytes.first != factsVersion
  }

  var isWhole: Bool { !isShort && rest.isEmpty }

  mutating func text() -> String {
    let size = take(2)
    return String(decoding: take(Int(size[0]) << 8 | Int(size[1])), as: UTF8.self)
  }

  mutating func number() -> Int64 { take(8).reduce(0) { $0 << 8 | Int64($1) } }

  private mutating func take(_ count: Int) -> [UInt8] {
    guard rest.count >= count else {
      isShort = true
      return [UInt8](repeating: 0, count: count)
    }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }
}
