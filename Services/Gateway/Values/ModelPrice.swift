/// Named limits of prices.
package enum PriceLimits {
  /// A million dollars for a million tokens: beyond it, a decimal point was lost.
  package static let perMillionMax = NanoDollars(1_000_000_000_000_000)
}

/// What a model's tokens cost, in nano-dollars for a million of each kind: prices of a
/// thousandth of a cent stay whole, and a call is rounded once, upwards, over its kinds.
package struct ModelPrice: Hashable, Sendable {
  package var input: NanoDollars
  package var output: NanoDollars
  package var cacheRead: NanoDollars
  package var cacheWriteShort: NanoDollars
  package var cacheWriteLong: NanoDollars
  /// For a thousand searches; nil where a search has no price, and so cannot be paid for.
  package var thousandWebSearches: NanoDollars?
  /// Of a call in a provider's batch, in percent of the same call alone.
  package var batchPercent: Int64
  /// Calls with more input than this cost a multiple, whole.
  package var surcharge: LongContextSurcharge?

  package init(
    input: NanoDollars, output: NanoDollars, cacheRead: NanoDollars? = nil,
    cacheWriteShort: NanoDollars? = nil, cacheWriteLong: NanoDollars? = nil,
    thousandWebSearches: NanoDollars? = nil, batchPercent: Int64 = 100,
    surcharge: LongContextSurcharge? = nil
  ) {
    self.input = input
    self.output = output
    self.cacheRead = cacheRead ?? input
    self.cacheWriteShort = cacheWriteShort ?? input
    self.cacheWriteLong = cacheWriteLong ?? cacheWriteShort ?? input
    self.thousandWebSearches = thousandWebSearches
    self.batchPercent = batchPercent
    self.surcharge = surcharge
  }

  /// The price of a usage; nil when it holds something without a price, or more than money can be.
  package func cost(of usage: TokenUsage, isBatched: Bool = false) -> NanoDollars? {
    guard usage.isCredible else { return nil }
    var sum = Int128(usage.freshInput) * Int128(input.count)
    sum += Int128(usage.cacheRead) * Int128(cacheRead.count)
    sum += Int128(usage.cacheWriteShort) * Int128(cacheWriteShort.count)
    sum += Int128(usage.cacheWriteLong) * Int128(cacheWriteLong.count)
    sum += Int128(usage.outputTotal) * Int128(output.count)
    if let surcharge, usage.inputTotal > surcharge.inputTokensAbove {
      sum = (sum * Int128(surcharge.percent) + 99) / 100
    }
    if isBatched { sum = (sum * Int128(batchPercent) + 99) / 100 }
    if usage.webSearches > 0 {
      guard let thousandWebSearches else { return nil }
      sum += Int128(usage.webSearches) * Int128(thousandWebSearches.count) * 1_000
    }
    return Int64(exactly: (sum + 999_999) / 1_000_000).map(NanoDollars.init)
  }

  /// How much more this input would have cost if no cache had been written or read; below zero:
  /// less. Rounded down, over sums of calls of which each, or none, pays the surcharge.
  package func savedByCaching(
    _ usage: TokenUsage, isSurcharged: Bool, isBatched: Bool
  ) -> NanoDollars {
    func part(_ tokens: Int64, _ price: NanoDollars) -> Int128 {
      Int128(tokens) * (Int128(input.count) - Int128(price.count))
    }
    var sum = part(usage.cacheRead, cacheRead) + part(usage.cacheWriteShort, cacheWriteShort)
    sum += part(usage.cacheWriteLong, cacheWriteLong)
    if isSurcharged, let surcharge { sum = sum * Int128(surcharge.percent) / 100 }
    if isBatched { sum = sum * Int128(batchPercent) / 100 }
    let (whole, rest) = sum.quotientAndRemainder(dividingBy: 1_000_000)
    return NanoDollars(Int64(clamping: rest < 0 ? whole - 1 : whole))
  }

  /// What a token of input can cost at most: as a write to the dearer cache.
  package var dearestInput: NanoDollars {
    [input, cacheRead, cacheWriteShort, cacheWriteLong].max() ?? input
  }

  /// The most that a call within these counts can cost, whatever of its input is cached.
  package func bound(_ bound: CallBound, isBatched: Bool = false) -> NanoDollars? {
    var dearest = self
    dearest.input = dearestInput
    let usage = TokenUsage(
      freshInput: bound.inputTokensMax, output: bound.outputTokensMax,
      webSearches: bound.webSearchesMax)
    return dearest.cost(of: usage, isBatched: isBatched)
  }

  package var isCredible: Bool {
    let range = NanoDollars.zero...PriceLimits.perMillionMax
    return [
      input, output, cacheRead, cacheWriteShort, cacheWriteLong, thousandWebSearches ?? .zero,
    ]
    .allSatisfy(range.contains) && (0...100).contains(batchPercent)
      && (surcharge.map { (100...10_000).contains($0.percent) } ?? true)
  }
}

/// Input beyond which a provider charges the whole call at a multiple.
package struct LongContextSurcharge: Hashable, Sendable {
  package let inputTokensAbove: Int64
  package let percent: Int64

  package init(inputTokensAbove: Int64, percent: Int64) {
    self.inputTokensAbove = inputTokensAbove
    self.percent = percent
  }
}

/// The most that a call can use, known before it is sent.
package struct CallBound: Hashable, Sendable {
  package var inputTokensMax: Int64
  package var outputTokensMax: Int64
  package var webSearchesMax: Int64

  package init(inputTokensMax: Int64, outputTokensMax: Int64, webSearchesMax: Int64 = 0) {
    self.inputTokensMax = inputTokensMax
    self.outputTokensMax = outputTokensMax
    self.webSearchesMax = webSearchesMax
  }
}
