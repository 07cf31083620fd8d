import GatewayProviders
import YAML

extension CatalogReader {
  /// `hedge: {after: 95%, budget: 5%}`; nil where it is wrong.
  mutating func hedge(_ node: YAMLNode, _ place: String) -> HedgeRule? {
    var after: HedgeRule.After?
    var percent: Int64?
    members(of: node, place, ["after", "budget"]) { reader, key, node in
      guard key == "after" else {
        percent = node.text.flatMap(HedgeRule.percent).map { Int64($0) }
        if !(1...100).contains(percent ?? 0) {
          reader.report(node, "\(place).budget is no share of calls from 1% to 100%", hint: "5%")
        }
        return
      }
      after = node.text.flatMap(HedgeRule.after)
      if after == nil {
        reader.report(
          node, "\(place).after is neither a time nor a share of calls from 50% to 99%",
          hint: "2s, 500ms or 95%")
      }
    }
    guard let mapping = node.mapping else {
      if node.isNull { report(node, "\(place) is empty", hint: "{after: 95%, budget: 5%}") }
      return nil
    }
    for key in ["after", "budget"] where !mapping.entries.contains(where: { $0.key == key }) {
      report(node, "\(place) says no \(key)", hint: "hedge: {after: 95%, budget: 5%}")
    }
    guard let after, let percent else { return nil }
    return HedgeRule(after: after, budgetPercent: percent)
  }

  /// What is switched on works: there has to be another way for the second attempt.
  mutating func checkHedge(of card: ModelCard, _ node: YAMLNode, _ catalog: Catalog) {
    guard card.hedge != nil else { return }
    let dialects: [Dialect?] = Dialect.allCases + [nil]
    let canHedge = dialects.contains { dialect in
      Set(catalog.routes(to: card.name, in: dialect).map(\.bucket)).count > 1
    }
    if !canHedge {
      report(
        node, "models.\(card.name).hedge can do nothing: there is one way to the model",
        hint: "give its provider a second key, or name another provider under serve")
    }
  }
}
