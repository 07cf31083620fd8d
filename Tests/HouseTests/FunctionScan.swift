/// A function, initializer, accessor block or computed property with its first and last line.
struct FunctionSpan: Equatable, Sendable {
  let name: String
  let firstLine: Int
  let lastLine: Int

  var lineCount: Int { lastLine - firstLine + 1 }
}

/// Finds the bodies of functions by their braces.
struct FunctionScan {
  private let tokens: [Token]
  private(set) var spans: [FunctionSpan] = []

  /// Words that begin the next declaration: a signature that meets one has no body.
  private static let declarationWords: Set<String> = [
    "func", "var", "let", "init", "deinit", "subscript", "static", "case", "struct", "class",
    "enum", "extension", "package", "private", "fileprivate", "internal", "public", "mutating",
    "nonmutating", "typealias", "associatedtype", "import", "protocol", "override", "final",
  ]

  init(_ file: SourceFile) {
    tokens = file.tokens
    for index in tokens.indices where startsFunction(index) {
      guard let open = bodyStart(after: index), let close = matchingBrace(of: open) else {
        continue
      }
      let next = tokens[index + 1]
      spans.append(
        FunctionSpan(
          name: next.kind == .word ? next.text : tokens[index].text,
          firstLine: tokens[index].line, lastLine: tokens[close].line))
    }
  }

  private func startsFunction(_ index: Int) -> Bool {
    guard tokens[index].kind == .word, index + 1 < tokens.count else { return false }
    if index > 0, tokens[index - 1].text == "." { return false }
    switch tokens[index].text {
    case "func", "subscript", "var": return true
    case "init": return ["(", "?", "<"].contains(tokens[index + 1].text)
    case "deinit": return tokens[index + 1].text == "{"
    default: return false
    }
  }

  /// The `{` that opens the body; nil for requirements and stored properties.
  private func bodyStart(after start: Int) -> Int? {
    var depth = 0
    var index = start + 1
    while index < tokens.count {
      let text = tokens[index].text
      switch text {
      case "(", "[": depth += 1
      case ")", "]": depth -= 1
      case "{" where depth == 0: return index
      case "}" where depth == 0, "=" where depth == 0, "@" where depth == 0: return nil
      case "#" where depth == 0: return nil
      case _ where depth == 0 && index > start + 1 && Self.declarationWords.contains(text):
        return nil
      default: break
      }
      if depth < 0 { return nil }
      index += 1
    }
    return nil
  }

  private func matchingBrace(of open: Int) -> Int? {
    var depth = 0
    for index in open..<tokens.count {
      if tokens[index].text == "{" { depth += 1 }
      if tokens[index].text == "}" { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }
}
