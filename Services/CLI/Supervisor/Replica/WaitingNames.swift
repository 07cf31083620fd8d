/// For whom a service says it waits, in a line of its log: `waiting for store, gateway`.
package enum WaitingNames {
  private static let words = "waiting for "
  /// More services than any mesh has.
  private static let namesMax = 32

  /// The names in the line; nil when it speaks of something else.
  package static func find(in line: String) -> [String]? {
    guard let start = line.firstRange(of: words) else { return nil }
    var rest = line[start.upperBound...]
    var names: [String] = []
    while names.count < namesMax {
      let name = rest.prefix(while: isNamePart)
      guard !name.isEmpty else { break }
      rest = rest[name.endIndex...]
      if name != "and" { names.append(String(name)) }
      let gap = rest.prefix { $0 == "," || $0 == " " }
      guard !gap.isEmpty else { break }
      rest = rest[gap.endIndex...]
    }
    return names.isEmpty ? nil : names
  }

  private static func isNamePart(_ character: Character) -> Bool {
    character.isASCII
      && (character.isLetter || character.isNumber || character == "-" || character == "_")
  }
}
