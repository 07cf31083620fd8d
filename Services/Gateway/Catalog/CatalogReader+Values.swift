import Faults
import GatewayValues
import YAML

extension CatalogReader {
  /// Every member of a mapping whose keys are known; an unknown one is reported with the nearest.
  mutating func members(
    of node: YAMLNode, _ place: String, _ known: [String],
    _ body: (inout CatalogReader, String, YAMLNode) -> Void
  ) {
    guard let mapping = node.mapping else {
      if !node.isNull { report(node, "\(place.isEmpty ? "the file" : place) is no mapping") }
      return
    }
    for entry in mapping.entries {
      guard known.contains(entry.key) else {
        let near = Spelling.nearest(to: entry.key, among: known)
        report(
          entry.value, "\(place.isEmpty ? "" : "\(place).")\(entry.key) is not known",
          hint: near.map { "did you mean \($0)?" } ?? known.joined(separator: ", "))
        continue
      }
      body(&self, entry.key, entry.value)
    }
  }

  /// Every member of a mapping whose keys are names of the operator's choice.
  mutating func named(
    _ node: YAMLNode, _ place: String,
    _ body: (inout CatalogReader, String, YAMLNode) -> Void
  ) {
    guard let mapping = node.mapping else {
      if !node.isNull { report(node, "\(place) is no mapping") }
      return
    }
    if mapping.entries.count > CatalogLimits.entriesMax {
      report(node, "\(place) has more than \(CatalogLimits.entriesMax) entries (entriesMax)")
    }
    for entry in mapping.entries.prefix(CatalogLimits.entriesMax) {
      guard GatewayName(entry.key) != nil else {
        report(
          entry.value, "\(place): \(entry.key) is no name", hint: "letters, digits, . _ - : / @")
        continue
      }
      body(&self, entry.key, entry.value)
    }
  }

  mutating func text(_ node: YAMLNode, _ place: String) -> String? {
    guard let text = node.text, !text.isEmpty else {
      report(node, "\(place) is empty")
      return nil
    }
    return text
  }

  mutating func flag(_ node: YAMLNode, _ place: String) -> Bool? {
    guard let value = node.scalar?.bool else {
      report(node, "\(place) is neither true nor false")
      return nil
    }
    return value
  }

  mutating func count(_ node: YAMLNode, _ place: String, _ range: ClosedRange<Int64>) -> Int64? {
    guard let value = node.scalar?.int, range.contains(value) else {
      report(node, "\(place) is no whole number from \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return value
  }

  mutating func money(_ node: YAMLNode, _ place: String) -> NanoDollars? {
    guard let text = node.text, let money = NanoDollars(text: text) else {
      report(node, "\(place) is no amount of dollars", hint: "12.50")
      return nil
    }
    return money
  }

  mutating func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ node: YAMLNode, _ place: String, _ type: Choice.Type
  ) -> Choice? {
    guard let value = node.text.flatMap(Choice.init(rawValue:)) else {
      let all = Choice.allCases.map(\.rawValue).joined(separator: " or ")
      report(node, "\(place) is neither of \(all)")
      return nil
    }
    return value
  }
}
