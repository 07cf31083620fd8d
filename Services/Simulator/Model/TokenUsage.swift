package import JSON

/// Tokens of one call in kinds that do not overlap.
package struct TokenUsage: Sendable, Equatable {
  /// Read afresh, neither from the cache nor into it.
  package var input = 0
  package var cacheRead = 0
  package var cacheWrite5m = 0
  package var cacheWrite1h = 0
  /// OpenAI's writes, where they are billed.
  package var cacheWrite = 0
  package var output = 0

  package init() {}

  /// Everything the model read.
  package var prompt: Int { input + cacheRead + cacheWrite5m + cacheWrite1h + cacheWrite }

  /// What Anthropic counts against input tokens a minute.
  package var countedInput: Int { input + cacheWrite5m + cacheWrite1h }

  /// Nano-dollars; half of it, rounded up, in a batch.
  package func cost(_ prices: TokenPrices, isBatch: Bool = false) -> Int {
    let full =
      input * prices.input + cacheRead * prices.cacheRead + cacheWrite5m * prices.cacheWrite5m
      + cacheWrite1h * prices.cacheWrite1h + cacheWrite * prices.cacheWrite
      + output * prices.output
    return isBatch ? (full + 1) / 2 : full
  }

  /// The kinds as the bill and the log have them.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("input", input)
    writer.field("cache_read", cacheRead)
    writer.field("cache_write_5m", cacheWrite5m)
    writer.field("cache_write_1h", cacheWrite1h)
    writer.field("cache_write", cacheWrite)
    writer.field("output", output)
    writer.endObject()
  }
}
