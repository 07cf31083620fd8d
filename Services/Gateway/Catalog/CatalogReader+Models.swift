import GatewayProviders
import GatewayValues
import YAML

extension CatalogReader {
  private static let modelKeys = [
    "aliases", "serve", "context_tokens", "output_tokens_max", "picture_tokens_max", "bucket",
    "cacheable_tokens_min", "prompt_cache_key", "hedge", "price",
  ]

  /// A model that the file adds, or of which it says something else than everybody knows.
  mutating func model(_ name: String, _ node: YAMLNode, _ catalog: inout Catalog) {
    let place = "models.\(name)"
    let known = catalog.models[name]
    var card =
      known
      ?? ModelCard(
        name: name, bounds: ModelBounds(contextTokens: 0, outputTokensMax: 0), bucketClass: name,
        price: ModelPrice(input: .zero, output: .zero), priceVersion: "")
    var hasPrice = known != nil
    members(of: node, place, Self.modelKeys) { reader, key, node in
      switch key {
      case "aliases": card.aliases = (node.sequence ?? []).compactMap(\.text)
      case "serve": card.servings = reader.servings(node, place, name)
      case "context_tokens":
        card.bounds.contextTokens = reader.tokens(node, "\(place).\(key)")
      case "output_tokens_max":
        card.bounds.outputTokensMax = reader.tokens(node, "\(place).\(key)")
      case "picture_tokens_max":
        card.bounds.pictureTokensMax = reader.tokens(node, "\(place).\(key)")
      case "bucket": card.bucketClass = reader.text(node, "\(place).bucket") ?? name
      case "cacheable_tokens_min":
        card.cacheableTokensMin = reader.tokens(node, "\(place).\(key)")
      case "prompt_cache_key":
        card.takesCacheKey = reader.flag(node, "\(place).\(key)") ?? false
      case "hedge": card.hedge = reader.hedge(node, "\(place).hedge")
      default:
        hasPrice = reader.price(node, "\(place).price", &card)
      }
    }
    if !hasPrice { report(node, "\(place) has no price", hint: "price: {input: 1, output: 5}") }
    if card.bounds.contextTokens == 0 || card.bounds.outputTokensMax == 0 {
      report(node, "\(place) needs context_tokens and output_tokens_max: they bound its price")
    }
    if card.servings.isEmpty {
      report(node, "\(place) is served by nobody", hint: "serve: {PROVIDER: NAME-THERE}")
    }
    for serving in card.servings where catalog.provider(serving.provider) == nil {
      report(node, "\(place).serve names \(serving.provider), which is no provider")
    }
    catalog.add(card)
    checkHedge(of: card, node, catalog)
  }

  private mutating func tokens(_ node: YAMLNode, _ place: String) -> Int64 {
    count(node, place, 1...100_000_000) ?? 0
  }

  private mutating func servings(
    _ node: YAMLNode, _ place: String, _ name: String
  ) -> [ModelCard.Serving] {
    if let provider = node.text { return [.init(provider: provider, name: name)] }
    guard let mapping = node.mapping else {
      report(node, "\(place).serve is neither a provider nor a mapping")
      return []
    }
    return mapping.entries.map { .init(provider: $0.key, name: $0.value.text ?? name) }
  }

  /// In dollars for a million tokens, as price lists are written.
  private mutating func price(
    _ node: YAMLNode, _ place: String, _ card: inout ModelCard
  ) -> Bool {
    var amounts: [String: NanoDollars] = [:]
    var version = "file"
    var batch: Int64 = 100
    let names = [
      "input", "output", "cache_read", "cache_write", "cache_write_long", "web_searches",
    ]
    members(of: node, place, names + ["version", "batch_percent"]) { reader, key, node in
      switch key {
      case "version": version = reader.text(node, "\(place).version") ?? version
      case "batch_percent": batch = reader.count(node, "\(place).\(key)", 0...100) ?? 100
      default: amounts[key] = reader.money(node, "\(place).\(key)")
      }
    }
    guard let input = amounts["input"], let output = amounts["output"] else { return false }
    card.price = ModelPrice(
      input: input, output: output, cacheRead: amounts["cache_read"],
      cacheWriteShort: amounts["cache_write"], cacheWriteLong: amounts["cache_write_long"],
      thousandWebSearches: amounts["web_searches"], batchPercent: batch)
    card.priceVersion = version
    if !card.price.isCredible { report(node, "\(place): no model costs this much") }
    return true
  }
}
