/// The `.env` file beside a compose file: values for `${…}` in it, for nothing else.
package enum DotEnv {
  /// The variables in the text; the first line that is not understood otherwise.
  package static func parse(_ text: String) -> Result<[String: String], Failure> {
    var variables: [String: String] = [:]
    for (index, raw) in Self.lines(text).enumerated() {
      var line = raw.drop { $0 == " " || $0 == "\t" }
      while line.last?.isWhitespace == true { line.removeLast() }
      if line.isEmpty || line.first == "#" { continue }
      if line.hasPrefix("export ") { line = line.dropFirst(7) }
      guard let equals = line.firstIndex(of: "="), isName(line[..<equals]) else {
        return .failure(Failure(line: index + 1))
      }
      variables[String(line[..<equals])] = value(line[line.index(after: equals)...])
    }
    return .success(variables)
  }

  /// A line that is no `NAME=value`.
  package struct Failure: Error, Equatable, Sendable {
    package let line: Int

    package init(line: Int) {
      self.line = line
    }
  }

  /// Both ends of line: Swift takes CR LF for one character.
  private static func lines(_ text: String) -> [Substring] {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
  }

  private static func isName(_ text: Substring) -> Bool {
    !text.isEmpty && text.first?.isNumber == false
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  }

  /// Without its quotes; a comment behind a blank is cut off an unquoted value.
  private static func value(_ text: Substring) -> String {
    if let quote = text.first, quote == "\"" || quote == "'", text.count > 1, text.last == quote {
      return String(text.dropFirst().dropLast())
    }
    guard let comment = text.firstRange(of: " #") else { return String(text) }
    return String(text[..<comment.lowerBound])
  }
}
