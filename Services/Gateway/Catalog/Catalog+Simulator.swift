import GatewayProviders
import GatewayValues

extension Catalog {
  /// Names that `assay echo` and the proofs ask for, at the price of the model that answers.
  private static let echoModels = ["echo-1", "proof"]
  private static let echoAnswerer = "claude-haiku-4-5"

  private func echo(_ name: String) -> ModelCard? {
    guard let answerer = models[Self.echoAnswerer] else { return nil }
    var card = answerer
    card.name = name
    card.aliases = []
    card.bucketClass = name
    return card
  }

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
    for name in Self.echoModels { if let card = echo(name) { add(card) } }
  }
}
