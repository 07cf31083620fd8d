package import GatewayValues

/// What a model's provider says about its prompt cache.
package struct PromptRules: Equatable, Sendable {
  /// A shorter prefix is not kept.
  package var tokensMin: Int64
  package var price: ModelPrice
  /// Whether prefixes have to be marked; else the provider keeps what it sees by itself.
  package var takesMarks: Bool
  /// Whether calls that share a prefix may say so by a key, so that they meet the same machine.
  package var takesKey: Bool

  package init(tokensMin: Int64, price: ModelPrice, takesMarks: Bool, takesKey: Bool) {
    self.tokensMin = tokensMin
    self.price = price
    self.takesMarks = takesMarks
    self.takesKey = takesKey
  }

  /// Whether writing a prefix once and reading it `reads` times costs less than sending it anew
  /// each time.
  package func pays(_ life: PrefixLife, reads: Int64) -> Bool {
    guard reads > 0 else { return false }
    let write = life == .short ? price.cacheWriteShort : price.cacheWriteLong
    let extra = Int128(write.count) - Int128(price.input.count)
    let saved = Int128(price.input.count) - Int128(price.cacheRead.count)
    return saved > 0 && extra < saved * Int128(reads)
  }

  /// Tokens are guessed from bytes, and a language or a tokenizer may make more of them than the
  /// guess; a mark on what turns out to be too short costs nothing.
  func mayBeKept(_ tokens: Int64) -> Bool { tokens + tokens / 3 >= tokensMin }
}
