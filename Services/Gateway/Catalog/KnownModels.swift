package import GatewayProviders
import GatewayValues

/// Models that the providers sell to everybody, as their price lists stood on 2026-08-21. A file
/// of the operator's may change any of it; a model that stands in neither is not called.
package enum KnownModels {
  package static let version = "list-2026-08-21"

  package static func cards(of family: ProviderFamily) -> [ModelCard] {
    switch family {
    case .anthropic: anthropic
    case .openAI: openAI
    }
  }

  /// In cents for a million tokens, as whole numbers keep them exact.
  private static func cents(_ count: Int64) -> NanoDollars { NanoDollars(count * 10_000_000) }

  // MARK: - Anthropic

  /// Writes cost 1.25 and 2 times the input, reads a tenth, batches half, searches 10 dollars
  /// for a thousand.
  private static func anthropic(
    _ name: String, _ aliases: [String] = [], input: Int64, output: Int64, bucket: String,
    cacheable: Int64, context: Int64 = 1_000_000, most: Int64 = 128_000
  ) -> ModelCard {
    let price = ModelPrice(
      input: cents(input), output: cents(output), cacheRead: NanoDollars(input * 1_000_000),
      cacheWriteShort: NanoDollars(input * 12_500_000), cacheWriteLong: cents(input * 2),
      thousandWebSearches: cents(1_000), batchPercent: 50)
    return ModelCard(
      name: name, aliases: aliases,
      bounds: ModelBounds(contextTokens: context, outputTokensMax: most), bucketClass: bucket,
      cacheableTokensMin: cacheable, price: price, priceVersion: version)
  }

  private static let anthropic: [ModelCard] = [
    anthropic("claude-fable-5", input: 1_000, output: 5_000, bucket: "fable-5", cacheable: 512),
    anthropic("claude-opus-5", input: 500, output: 2_500, bucket: "opus-5", cacheable: 512),
    anthropic("claude-opus-4-8", input: 500, output: 2_500, bucket: "opus-4", cacheable: 4_096),
    anthropic("claude-opus-4-7", input: 500, output: 2_500, bucket: "opus-4", cacheable: 4_096),
    anthropic(
      "claude-opus-4-6", input: 500, output: 2_500, bucket: "opus-4", cacheable: 4_096),
    anthropic(
      "claude-opus-4-5", ["claude-opus-4-5-20251101"], input: 500, output: 2_500,
      bucket: "opus-4", cacheable: 4_096, context: 200_000, most: 64_000),
    anthropic(
      "claude-sonnet-5", input: 200, output: 1_000, bucket: "sonnet-5", cacheable: 1_024),
    anthropic(
      "claude-sonnet-4-6", input: 300, output: 1_500, bucket: "sonnet-4", cacheable: 2_048),
    anthropic(
      "claude-sonnet-4-5", ["claude-sonnet-4-5-20250929"], input: 300, output: 1_500,
      bucket: "sonnet-4", cacheable: 1_024, most: 64_000),
    anthropic(
      "claude-haiku-4-5", ["claude-haiku-4-5-20251001"], input: 100, output: 500,
      bucket: "haiku-4", cacheable: 4_096, context: 200_000, most: 64_000),
  ]

  // MARK: - OpenAI

  private static func openAI(
    _ name: String, input: Int64, cached: Int64, write: Int64, output: Int64
  ) -> ModelCard {
    let price = ModelPrice(
      input: cents(input), output: cents(output), cacheRead: cents(cached),
      cacheWriteShort: cents(write), batchPercent: 50,
      surcharge: LongContextSurcharge(inputTokensAbove: 272_000, percent: 200))
    var card = ModelCard(
      name: name, bounds: ModelBounds(contextTokens: 1_050_000, outputTokensMax: 128_000),
      bucketClass: name, cacheableTokensMin: 1_024, price: price, priceVersion: version)
    card.takesCacheKey = true
    return card
  }

  private static let openAI: [ModelCard] = [
    openAI("gpt-5.6-sol", input: 400, cached: 40, write: 500, output: 2_000),
    openAI("gpt-5.6-terra", input: 200, cached: 20, write: 250, output: 1_200),
    openAI("gpt-5.6-luna", input: 20, cached: 2, write: 25, output: 120),
  ]
}
