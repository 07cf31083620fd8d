import GatewayProviders
import GatewayValues

extension Catalog {
  /// A simulator in place of every provider: it serves what they sell, and a model that costs
  /// next to nothing for whoever only wants to see something move.
  package init(simulator address: String) {
    self.init()
    for (name, dialects) in [
      ("sim-anthropic", [Dialect.anthropicMessages]),
      ("sim-openai", [.openAIResponses, .openAIChat]),
    ] {
      var provider = ProviderEntry(name: name, dialects: dialects, address: address)
      provider.isInternal = true
      provider.keys = [ProviderKey(name: "main", source: .text("sim-assay"))]
      providers.append(provider)
      for known in dialects.first.map({ KnownModels.cards(of: $0.family) }) ?? [] {
        var card = known
        card.servings = [.init(provider: name, name: card.name)]
        add(card)
      }
    }
  }
}
