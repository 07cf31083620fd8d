/// Swift source as it grows, line by line with its indentation.
struct SourceText {
  private(set) var text = ""
  private var depth = 0

  mutating func line(_ line: String = "") {
    if !line.isEmpty { text += String(repeating: "  ", count: depth) + line }
    text += "\n"
  }

  /// A block in braces; `head` has none.
  mutating func block(_ head: String, _ body: (inout SourceText) throws -> Void) rethrows {
    line("\(head) {")
    depth += 1
    try body(&self)
    depth -= 1
    line("}")
  }

  /// Lines one step deeper, without braces.
  mutating func indented(_ body: (inout SourceText) throws -> Void) rethrows {
    depth += 1
    try body(&self)
    depth -= 1
  }

  /// The proto's comment as documentation, or `fallback` when it has none.
  mutating func documentation(_ comment: String?, or fallback: String? = nil) {
    guard let comment = comment ?? fallback else { return }
    var lines = comment.split(separator: "\n", omittingEmptySubsequences: false)
    while lines.last?.isEmpty == true { lines.removeLast() }
    for part in lines {
      let trimmed = part.drop { $0 == " " }
      line(trimmed.isEmpty ? "///" : "/// \(trimmed)")
    }
  }
}
