/// A command line as one text, cut into words the way a shell reads quotes; nothing is expanded.
package enum ShellWords {
  /// nil when a quote is never closed or the text ends in a backslash.
  package static func split(_ text: String) -> [String]? {
    var words: [String] = []
    var word = ""
    var isInWord = false
    var quote: Character?
    var rest = Substring(text)
    while let character = rest.popFirst() {
      switch (quote, character) {
      case (nil, " "), (nil, "\t"), (nil, "\n"):
        if isInWord { words.append(word) }
        word = ""
        isInWord = false
      case (nil, "'"), (nil, "\""):
        quote = character
        isInWord = true
      case (.some(let open), character) where open == character:
        quote = nil
      case (nil, "\\"):
        guard let next = rest.popFirst() else { return nil }
        word.append(next)
        isInWord = true
      case ("\"", "\\"):
        guard let next = rest.popFirst() else { return nil }
        if next != "\"", next != "\\", next != "$", next != "`" { word.append("\\") }
        word.append(next)
      default:
        word.append(character)
        isInWord = true
      }
    }
    guard quote == nil else { return nil }
    if isInWord { words.append(word) }
    return words
  }

  /// The words as a line that a shell reads back as the same words.
  package static func join(_ words: [String]) -> String {
    words.map { word in
      let isPlain = !word.isEmpty && word.utf8.allSatisfy(isPlainByte)
      guard !isPlain else { return word }
      let parts = word.split(separator: "'", omittingEmptySubsequences: false)
      return "'" + parts.joined(separator: "'\\''") + "'"
    }.joined(separator: " ")
  }

  private static func isPlainByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "_-./:=,@%+".utf8.contains(byte)
    }
  }
}
