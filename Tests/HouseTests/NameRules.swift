/// A name says the thing: files are named after their type, and no drawer is called Common.
enum NameRules {
  static let all = [drawers, fileNames, placeholders]

  private static let emptyWords: Set<String> = [
    "Manager", "Managers", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities", "Common",
  ]

  static let drawers = Rule.perSwiftFile(
    "no-drawers", "Say what it is: Manager, Helper, Util and Common say nothing."
  ) { file in
    var found = typeNames(in: file).flatMap { type in
      words(of: type.name).filter(emptyWords.contains)
        .map { file.violation("no-drawers", line: type.line, "\(type.name) says \($0)") }
    }
    let parts = file.path.split(separator: "/").flatMap { words(of: String($0)) }
    found += parts.filter(emptyWords.contains)
      .map { file.violation("no-drawers", line: 1, "the path says \($0)") }
    return found
  }

  static let fileNames = Rule.perSwiftFile(
    "file-named-after-type",
    "Type.swift declares Type; Type+Aspect.swift extends it; tests share a …Fixture.swift."
  ) { file in
    guard !["Main.swift", "Package.swift", "Placeholder.swift"].contains(file.name) else {
      return []
    }
    if file.path.hasPrefix("Tests/"), file.stem.hasSuffix("Fixture") { return [] }
    let wanted = file.stem.split(separator: "+").first.map(String.init) ?? ""
    let declared = typeNames(in: file).flatMap { $0.name.split(separator: ".").map(String.init) }
    // A file of functions alone is named after what they do.
    guard !declared.isEmpty, !declared.contains(wanted) else { return [] }
    return [file.violation("file-named-after-type", line: 1, "nothing here is called \(wanted)")]
  }

  static let placeholders = Rule(
    name: "no-leftover-placeholder", purpose: "Delete Placeholder.swift with the first real file."
  ) { tree in
    tree.files.filter { $0.stem.lowercased() == "placeholder" }.compactMap { file in
      let folder = file.path.dropLast(file.name.count)
      let neighbours = tree.files.filter {
        $0.path.hasPrefix(folder) && $0.path != file.path
          && $0.stem.lowercased() != "placeholder" && Self.isSource($0)
      }
      guard let neighbour = neighbours.first else { return nil }
      return file.violation(
        "no-leftover-placeholder", line: 1, "stands beside \(neighbour.name)")
    }
  }

  private static func isSource(_ file: SourceFile) -> Bool {
    [".swift", ".c", ".h"].contains { file.name.hasSuffix($0) }
  }

  private static let typeWords: Set<String> = [
    "struct", "class", "enum", "actor", "protocol", "typealias", "extension",
  ]

  /// Types declared or extended in a file: `Fault`, `Fault.Code`.
  static func typeNames(in file: SourceFile) -> [(name: String, line: Int)] {
    file.tokens.indices.compactMap { index in
      let token = file.tokens[index]
      guard typeWords.contains(token.text), token.kind == .word,
        ![".", "case", "func", "let", "var"].contains(file.token(index - 1)?.text ?? ""),
        let name = file.token(index + 1), name.kind == .word,
        !["func", "var", "let", "subscript", "in"].contains(name.text)
      else { return nil }
      var full = name.text.filter { $0 != "`" }
      var next = index + 2
      while file.token(next)?.text == ".", let part = file.token(next + 1), part.kind == .word {
        full += ".\(part.text)"
        next += 2
      }
      return (full, token.line)
    }
  }

  /// `HTTP2FrameWriter` becomes `HTTP2`, `Frame`, `Writer`; `RPCHelper` becomes `RPC`, `Helper`.
  static func words(of name: String) -> [String] {
    var words = [""]
    for character in name {
      let last = words[words.count - 1]
      if !character.isLetter && !character.isNumber {
        words.append("")
      } else if character.isUppercase, last.last?.isUppercase != true {
        words.append(String(character))
      } else if character.isLowercase, last.count > 1, last.last?.isUppercase == true {
        let first = words[words.count - 1].removeLast()
        words.append(String(first) + String(character))
      } else {
        words[words.count - 1].append(character)
      }
    }
    return words.filter { !$0.isEmpty }
  }
}
