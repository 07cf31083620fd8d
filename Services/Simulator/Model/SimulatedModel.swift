/// Nano-dollars a token, by kind.
package struct TokenPrices: Sendable, Equatable {
  package let input: Int
  package let output: Int
  package let cacheRead: Int
  package let cacheWrite5m: Int
  package let cacheWrite1h: Int
  /// OpenAI's one kind of write; zero where writes cost nothing beside the input.
  package let cacheWrite: Int
}

/// One model of the catalogue, with what its provider says about it.
package struct SimulatedModel: Sendable, Equatable {
  package let id: String
  /// Models that share a bucket of rate limits.
  package let family: String
  package let isAnthropic: Bool
  package let prices: TokenPrices
  package let cacheMinimum: Int
  package let contextTokens: Int
  package let outputTokensMax: Int
  /// temperature, top_p, top_k and thinking.budget_tokens are refused.
  package let refusesSampling: Bool
  /// A conversation must end with the user.
  package let refusesPrefill: Bool
  /// OpenAI models that bill what they write into the cache.
  package let billsCacheWrites: Bool
  /// Hidden system tokens when tools are given, and when one is forced.
  let toolTokens: (offered: Int, forced: Int)

  package static func == (left: SimulatedModel, right: SimulatedModel) -> Bool {
    left.id == right.id
  }
}

extension SimulatedModel {
  /// Prices come in thousandths of a dollar a million tokens, which are nano-dollars a token.
  private static func anthropic(
    _ id: String, _ family: String, _ input: Int, _ output: Int, cacheMinimum: Int,
    strictness: Int, tools: (Int, Int) = (313, 405)
  ) -> SimulatedModel {
    SimulatedModel(
      id: id, family: family, isAnthropic: true,
      prices: TokenPrices(
        input: input, output: output, cacheRead: input / 10, cacheWrite5m: input * 5 / 4,
        cacheWrite1h: input * 2, cacheWrite: 0),
      cacheMinimum: cacheMinimum, contextTokens: strictness >= 1 ? 1_000_000 : 200_000,
      outputTokensMax: strictness >= 1 ? 128_000 : 64_000, refusesSampling: strictness >= 2,
      refusesPrefill: strictness >= 1, billsCacheWrites: false, toolTokens: tools)
  }

  private static func openAI(
    _ id: String, _ family: String, _ prices: TokenPrices, billsWrites: Bool = true
  ) -> SimulatedModel {
    SimulatedModel(
      id: id, family: family, isAnthropic: false, prices: prices, cacheMinimum: 1024,
      contextTokens: 400_000, outputTokensMax: 128_000, refusesSampling: false,
      refusesPrefill: false, billsCacheWrites: billsWrites, toolTokens: (12, 12))
  }

  private static func prices(
    _ input: Int, cached: Int, write: Int, output: Int
  ) -> TokenPrices {
    TokenPrices(
      input: input, output: output, cacheRead: cached, cacheWrite5m: 0, cacheWrite1h: 0,
      cacheWrite: write)
  }

  /// Every model there is. Strictness 1: from 4.6 on; 2: from Opus 4.7 and Sonnet 5 on.
  package static let all: [SimulatedModel] = [
    anthropic("claude-fable-5", "fable-5", 10_000, 50_000, cacheMinimum: 512, strictness: 2),
    anthropic(
      "claude-opus-5", "opus-5", 5000, 25_000, cacheMinimum: 512, strictness: 2,
      tools: (286, 406)),
    anthropic("claude-opus-4-8", "opus-4", 5000, 25_000, cacheMinimum: 1024, strictness: 2),
    anthropic("claude-opus-4-7", "opus-4", 5000, 25_000, cacheMinimum: 2048, strictness: 2),
    anthropic("claude-opus-4-6", "opus-4", 5000, 25_000, cacheMinimum: 4096, strictness: 1),
    anthropic("claude-opus-4-5", "opus-4", 5000, 25_000, cacheMinimum: 4096, strictness: 0),
    anthropic(
      "claude-sonnet-5", "sonnet-5", 2000, 10_000, cacheMinimum: 1024, strictness: 2,
      tools: (354, 474)),
    anthropic("claude-sonnet-4-6", "sonnet-4", 3000, 15_000, cacheMinimum: 1024, strictness: 1),
    anthropic("claude-sonnet-4-5", "sonnet-4", 3000, 15_000, cacheMinimum: 1024, strictness: 0),
    anthropic(
      "claude-haiku-4-5", "haiku-4-5", 1000, 5000, cacheMinimum: 4096, strictness: 0,
      tools: (496, 588)),
    openAI(
      "gpt-5.6-sol", "gpt-5.6-sol", prices(4000, cached: 400, write: 5000, output: 20_000)),
    openAI(
      "gpt-5.6-terra", "gpt-5.6-terra", prices(2000, cached: 200, write: 2500, output: 12_000)),
    openAI("gpt-5.6-luna", "gpt-5.6-luna", prices(200, cached: 20, write: 250, output: 1200)),
    openAI(
      "gpt-5", "gpt-5", prices(1250, cached: 125, write: 0, output: 10_000), billsWrites: false),
  ]

  private static let byID = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })

  /// The model of that name, or of that name with a date behind it (`…-20250929`).
  package static func named(_ name: String) -> SimulatedModel? {
    if let model = byID[name] { return model }
    guard let dash = name.lastIndex(of: "-") else { return nil }
    let date = name[name.index(after: dash)...]
    guard date.utf8.count == 8, date.allSatisfy(\.isNumber) else { return nil }
    return byID[String(name[..<dash])]
  }
}
