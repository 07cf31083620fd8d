/// What a call will use at most, known before it is sent.
package struct CallNeed: Sendable, Equatable {
  /// All input tokens, those that the provider will read from its cache included.
  package var input: Int64
  /// The part of `input` that is expected to be read from the provider's cache.
  package var cachedInput: Int64
  /// The most that the answer may have (`max_tokens`).
  package var output: Int64

  package init(input: Int64, cachedInput: Int64 = 0, output: Int64) {
    self.input = input
    self.cachedInput = cachedInput
    self.output = output
  }

  /// No call is larger; so that no sum of calls overflows.
  package static let tokensMax: Int64 = 1 << 32

  var isSensible: Bool {
    (0...Self.tokensMax).contains(input) && (0...input).contains(cachedInput)
      && (0...Self.tokensMax).contains(output)
  }

  /// What it weighs when turns are shared out.
  var weight: Int64 { max(1, input - cachedInput + output) }
}

/// What a call did use, in kinds that do not overlap.
package struct TokenUsage: Sendable, Equatable {
  package var freshInput: Int64
  package var cacheWrite: Int64
  package var cacheRead: Int64
  package var output: Int64

  package init(freshInput: Int64, cacheWrite: Int64 = 0, cacheRead: Int64 = 0, output: Int64) {
    self.freshInput = Self.sane(freshInput)
    self.cacheWrite = Self.sane(cacheWrite)
    self.cacheRead = Self.sane(cacheRead)
    self.output = Self.sane(output)
  }

  /// Providers have answered 2⁶³ and less than nothing.
  private static func sane(_ count: Int64) -> Int64 { max(0, min(count, CallNeed.tokensMax)) }

  package static let zero = TokenUsage(freshInput: 0, output: 0)

  var weight: Int64 { max(1, freshInput + cacheWrite + output) }
}

/// How whoever sets a limit counts towards it.
package struct CountingLaw: Sendable, Equatable {
  package enum Output: Sendable, Equatable {
    /// At the time of the request: the most it may be, corrected when it is known.
    case whenAsked
    /// As it is produced: the most it may be until the call ends, then what it was.
    case asProduced
    /// At the time of the request, in the same sum as the input, and never corrected.
    case withInput
  }

  package var countsCacheReads: Bool
  package var output: Output
  /// Whether tokens of a call that failed stay counted.
  package var countsFailures: Bool

  package init(countsCacheReads: Bool, output: Output, countsFailures: Bool) {
    self.countsCacheReads = countsCacheReads
    self.output = output
    self.countsFailures = countsFailures
  }

  /// Our own limits, of products and keys.
  package static let own = CountingLaw(
    countsCacheReads: true, output: .whenAsked, countsFailures: false)
  /// Input without cache reads when asked, output as it is produced.
  package static let anthropic = CountingLaw(
    countsCacheReads: false, output: .asProduced, countsFailures: false)
  /// `max_tokens` up front; "failed requests count too".
  package static let openAI = CountingLaw(
    countsCacheReads: true, output: .withInput, countsFailures: true)

  func charge(for need: CallNeed) -> TokenCharge {
    let input = countsCacheReads ? need.input : need.input - need.cachedInput
    return output == .withInput
      ? TokenCharge(input: input + need.output, output: 0)
      : TokenCharge(input: input, output: need.output)
  }

  func charge(for usage: TokenUsage) -> TokenCharge {
    TokenCharge(
      input: usage.freshInput + usage.cacheWrite + (countsCacheReads ? usage.cacheRead : 0),
      output: output == .withInput ? 0 : usage.output)
  }
}

/// Tokens as a limit counts them.
struct TokenCharge: Sendable, Equatable {
  var input: Int64
  var output: Int64
}
