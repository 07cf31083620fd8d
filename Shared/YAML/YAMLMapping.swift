/// Keys and values in the order of the file, each key once.
package struct YAMLMapping: Sendable {
  /// One key with its place, and its value.
  package struct Entry: Sendable {
    package let key: String
    package let mark: YAMLMark
    package let value: YAMLNode
  }

  package private(set) var entries: [Entry] = []
  private var index: [String: Int] = [:]

  init() {}

  package subscript(key: String) -> YAMLNode? { index[key].map { entries[$0].value } }

  package var keys: [String] { entries.map(\.key) }
  package var isEmpty: Bool { entries.isEmpty }

  /// False, and nothing is changed, when the key is already there.
  mutating func insert(_ entry: Entry) -> Bool {
    guard index[entry.key] == nil else { return false }
    index[entry.key] = entries.count
    entries.append(entry)
    return true
  }

  /// The entries of `bases` that this mapping does not have itself, earlier ones first, and then
  /// its own: what `<<` means.
  func merged(over bases: [YAMLMapping]) -> YAMLMapping {
    var merged = YAMLMapping()
    for base in bases {
      for entry in base.entries where index[entry.key] == nil { _ = merged.insert(entry) }
    }
    for entry in entries { _ = merged.insert(entry) }
    return merged
  }
}
