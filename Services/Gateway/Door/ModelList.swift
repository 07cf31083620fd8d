import Faults
import GatewayCatalog
import GatewayPipeline
import GatewayProviders
import GatewayValues
import HTTPServer
import JSON

/// The models that a caller may ask, as its dialect lists them.
struct ModelList {
  private let cards: [ModelCard]

  /// Those that the caller's SDK could ask: it speaks one family's dialects only.
  init(_ catalog: Catalog, _ caller: Caller, _ family: ProviderFamily) {
    let allowed = catalog.product(caller.product.text)?.models ?? []
    cards = catalog.cards.filter { card in
      guard allowed.isEmpty || allowed.contains(where: { catalog.models[$0]?.name == card.name })
      else { return false }
      return card.servings.contains { serving in
        catalog.provider(serving.provider)?.dialects.contains { $0.family == family } ?? false
      }
    }
  }

  func answer(_ path: String, _ family: ProviderFamily) -> HTTPResponse {
    let prefix = "/v1/models/"
    guard path.hasPrefix(prefix) else {
      return .json(200, list(family).bytes())
    }
    let name = String(path.dropFirst(prefix.count))
    guard let card = cards.first(where: { $0.name == name || $0.aliases.contains(name) }) else {
      let fault = Fault(.notFound, reason: "UNKNOWN_MODEL", "No provider here serves this model.")
      return HTTPDoor.refusal(fault, family)
    }
    return .json(200, item(card, family).bytes())
  }

  private func list(_ family: ProviderFamily) -> JSONValue {
    let items = cards.map { item($0, family) }
    switch family {
    case .anthropic:
      return [
        "data": .array(items), "has_more": false,
        "first_id": cards.first.map { .string($0.name) } ?? .null,
        "last_id": cards.last.map { .string($0.name) } ?? .null,
      ]
    case .openAI: return ["object": "list", "data": .array(items)]
    }
  }

  private func item(_ card: ModelCard, _ family: ProviderFamily) -> JSONValue {
    switch family {
    case .anthropic:
      [
        "type": "model", "id": .string(card.name), "display_name": .string(card.name),
        "created_at": "1970-01-01T00:00:00Z",
      ]
    case .openAI:
      [
        "id": .string(card.name), "object": "model", "created": 0,
        "owned_by": .string(card.servings.first?.provider ?? ""),
      ]
    }
  }
}
