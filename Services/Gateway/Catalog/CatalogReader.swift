import Faults
import GatewayProviders
import GatewayValues
import YAML

/// Reads the operator's file, finding everything that is wrong before it gives up.
package struct CatalogReader {
  let path: String
  private(set) var problems: [CatalogProblem] = []

  package static func read(_ bytes: [UInt8], path: String) throws(CatalogError) -> Catalog {
    var reader = CatalogReader(path: path)
    let root: YAMLNode
    do {
      root = try YAMLNode(
        parsing: bytes, file: path, limits: YAMLLimits(bytesMax: CatalogLimits.fileBytesMax))
    } catch {
      throw CatalogError(problems: [
        CatalogProblem(path: path, line: error.mark.line, message: error.code.sentence)
      ])
    }
    let catalog = reader.catalog(root)
    guard reader.problems.isEmpty else { throw CatalogError(problems: reader.problems) }
    return catalog
  }

  private mutating func catalog(_ root: YAMLNode) -> Catalog {
    var catalog = Catalog()
    var modelsNode: YAMLNode?
    members(of: root, "", ["providers", "models", "products"]) { reader, key, node in
      switch key {
      case "providers":
        reader.named(node, "providers") { reader, name, node in
          if let provider = reader.provider(name, node) { catalog.providers.append(provider) }
        }
      case "models": modelsNode = node
      default:
        reader.named(node, "products") { reader, name, node in
          catalog.products.append(reader.product(name, node))
        }
      }
    }
    if catalog.providers.isEmpty {
      report(root, "there is no provider", hint: "providers:\n  anthropic: …")
    }
    addKnownModels(&catalog)
    if let modelsNode {
      named(modelsNode, "models") { reader, name, node in reader.model(name, node, &catalog) }
    }
    check(catalog, root)
    catalog.takesAnyProduct = catalog.products.isEmpty
    return catalog
  }

  /// Every provider serves what its family sells, unless the file says otherwise.
  private func addKnownModels(_ catalog: inout Catalog) {
    for family in ProviderFamily.allCases {
      let serving = catalog.providers.filter { $0.dialects.contains { $0.family == family } }
      guard !serving.isEmpty else { continue }
      for known in KnownModels.cards(of: family) {
        var card = known
        card.servings = serving.map { .init(provider: $0.name, name: card.name) }
        catalog.add(card)
      }
    }
  }

  private mutating func check(_ catalog: Catalog, _ root: YAMLNode) {
    for product in catalog.products {
      for model in product.models where catalog.models[model] == nil {
        let near = Spelling.nearest(to: model, among: Array(catalog.models.keys))
        report(
          root, "products.\(product.name).models names \(model), which has no price",
          hint: near.map { "did you mean \($0)?" } ?? "give it one under models:")
      }
    }
  }

  // MARK: - Providers

  private mutating func provider(_ name: String, _ node: YAMLNode) -> ProviderEntry? {
    let place = "providers.\(name)"
    var entry = ProviderEntry(name: name, dialects: [], address: "")
    members(of: node, place, ["dialect", "url", "keys", "schema", "ca", "internal"]) {
      reader, key, node in
      switch key {
      case "dialect": entry.dialects = reader.dialects(node, place)
      case "url": entry.address = reader.text(node, "\(place).url") ?? ""
      case "keys":
        reader.named(node, "\(place).keys") { reader, name, node in
          if let key = reader.key(name, node, "\(place).keys.\(name)") { entry.keys.append(key) }
        }
      case "schema":
        if let way = reader.choice(node, "\(place).schema", SchemaWay.self) {
          entry.schemaWay = way
        }
      case "ca": entry.authorityFile = reader.text(node, "\(place).ca")
      default: entry.isInternal = reader.flag(node, "\(place).internal") ?? false
      }
    }
    if entry.dialects.isEmpty { report(node, "\(place) has no dialect", hint: Self.dialectHint) }
    let schemes = ["https://", "http://", "unix:/"]
    if !schemes.contains(where: entry.address.hasPrefix) {
      report(node, "\(place).url is not the address of a server", hint: "https://host")
    }
    if entry.keys.isEmpty {
      report(node, "\(place) has no key", hint: "keys: {main: {file: /run/secrets/…}}")
    }
    return entry
  }

  private static let dialectHint = "anthropic, openai, openai-chat or openai-responses"

  private mutating func dialects(_ node: YAMLNode, _ place: String) -> [Dialect] {
    let texts = node.sequence.map { $0.compactMap(\.text) } ?? node.text.map { [$0] } ?? []
    var found: [Dialect] = []
    for text in texts {
      if text == "openai" {
        found += [.openAIResponses, .openAIChat]
      } else if let dialect = Dialect(rawValue: text) {
        found.append(dialect)
      } else {
        report(node, "\(place).dialect: no such dialect: \(text)", hint: Self.dialectHint)
      }
    }
    return found
  }

  private mutating func key(
    _ name: String, _ node: YAMLNode, _ place: String
  ) -> ProviderKey? {
    var source: ProviderKey.Source?
    var limits = RateLimits()
    members(of: node, place, ["file", "text"] + Self.limitNames) { reader, key, node in
      switch key {
      case "file": source = reader.text(node, "\(place).file").map { .file($0) }
      case "text": source = reader.text(node, "\(place).text").map { .text($0) }
      default: reader.limit(key, node, place, &limits)
      }
    }
    guard let source else {
      report(node, "\(place) says neither file nor text", hint: "file: /run/secrets/…")
      return nil
    }
    var key = ProviderKey(name: name, source: source)
    key.limits = limits
    return key
  }

  // MARK: - Products

  private mutating func product(_ name: String, _ node: YAMLNode) -> ProductEntry {
    let place = "products.\(name)"
    var entry = ProductEntry(name: name)
    members(of: node, place, ["weight", "models", "keys", "budget"] + Self.limitNames) {
      reader, key, node in
      switch key {
      case "weight": entry.weight = reader.count(node, "\(place).weight", 1...1_000) ?? 1
      case "models":
        entry.models = (node.sequence ?? []).compactMap(\.text)
        if node.sequence == nil { reader.report(node, "\(place).models is no list") }
      case "keys":
        reader.named(node, "\(place).keys") { reader, name, node in
          guard let key = reader.key(name, node, "\(place).keys.\(name)") else { return }
          entry.keys.append(key)
          if key.limits != RateLimits() {
            reader.report(
              node, "\(place).keys.\(name) has limits, which no product's key has",
              hint: "set them on \(place)")
          }
        }
      case "budget": entry.budgets = reader.budgets(node, "\(place).budget")
      default: reader.limit(key, node, place, &entry.limits)
      }
    }
    return entry
  }

  private mutating func budgets(_ node: YAMLNode, _ place: String) -> [BudgetEntry] {
    var caps: [(BudgetEntry.Period, NanoDollars)] = []
    var zone = "UTC"
    members(of: node, place, ["zone"] + BudgetEntry.Period.allCases.map(\.rawValue)) {
      reader, key, node in
      guard let period = BudgetEntry.Period(rawValue: key) else {
        zone = reader.text(node, "\(place).zone") ?? zone
        return
      }
      if let cap = reader.money(node, "\(place).\(key)") { caps.append((period, cap)) }
    }
    return caps.map { BudgetEntry(period: $0.0, cap: $0.1, zone: zone) }
  }

  // MARK: - Limits

  private static let limitNames = [
    "requests_per_minute", "input_tokens_per_minute", "output_tokens_per_minute", "concurrency",
    "requests_per_hour",
  ]

  private mutating func limit(
    _ name: String, _ node: YAMLNode, _ place: String, _ limits: inout RateLimits
  ) {
    guard let count = count(node, "\(place).\(name)", 1...1_000_000_000_000) else { return }
    switch name {
    case "requests_per_minute": limits.requestsPerMinute = count
    case "input_tokens_per_minute": limits.inputTokensPerMinute = count
    case "output_tokens_per_minute": limits.outputTokensPerMinute = count
    case "concurrency": limits.concurrency = count
    default: limits.requestsPerHour = count
    }
  }

  mutating func report(_ node: YAMLNode, _ message: String, hint: String? = nil) {
    guard problems.count < CatalogLimits.problemsMax else { return }
    problems.append(
      CatalogProblem(path: path, line: node.mark.line, message: message, hint: hint))
  }
}
