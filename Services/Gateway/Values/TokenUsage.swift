/// What a call used, in kinds that never overlap: their sum is all of it. A provider that counts
/// cached tokens within its input, or reasoning within its output, is taken apart before it
/// becomes one of these.
package struct TokenUsage: Hashable, Sendable {
  /// Read anew: neither from a prompt cache nor into one.
  package var freshInput: Int64
  package var cacheRead: Int64
  package var cacheWriteShort: Int64
  package var cacheWriteLong: Int64
  /// What came out, without the reasoning.
  package var output: Int64
  package var reasoning: Int64
  /// Searches of the web that the provider made and charges for one by one.
  package var webSearches: Int64

  package init(
    freshInput: Int64 = 0, cacheRead: Int64 = 0, cacheWriteShort: Int64 = 0,
    cacheWriteLong: Int64 = 0, output: Int64 = 0, reasoning: Int64 = 0, webSearches: Int64 = 0
  ) {
    self.freshInput = freshInput
    self.cacheRead = cacheRead
    self.cacheWriteShort = cacheWriteShort
    self.cacheWriteLong = cacheWriteLong
    self.output = output
    self.reasoning = reasoning
    self.webSearches = webSearches
  }

  /// More tokens of a kind than any provider reads or writes in one call; a usage beyond it is
  /// not believed. Sums of a few such counts stay far within Int64.
  package static let kindMax: Int64 = 1 << 40

  /// Whether a provider can have meant it: nothing below zero, nothing absurd.
  package var isCredible: Bool {
    let range = 0...Self.kindMax
    return range.contains(freshInput) && range.contains(cacheRead)
      && range.contains(cacheWriteShort) && range.contains(cacheWriteLong)
      && range.contains(output) && range.contains(reasoning) && range.contains(webSearches)
  }

  package var inputTotal: Int64 { freshInput + cacheRead + cacheWriteShort + cacheWriteLong }
  package var outputTotal: Int64 { output + reasoning }
}

/// How far a usage can be trusted.
package enum UsageStanding: Int64, Sendable {
  /// As the provider said.
  case exact = 1
  /// Counted here, since the provider said nothing that could be believed.
  case estimated = 2
  /// The upper bound, since nobody knows what became of the call.
  case uncertain = 3
}
