/// What others may use is explained where it is declared, and each module says what it is for.
enum DocumentationRules {
  static let all = [declarations, firstParagraph]

  private static let modifiers: Set<String> = [
    "final", "static", "class", "mutating", "nonmutating", "consuming", "borrowing", "nonisolated",
    "override", "indirect", "isolated", "distributed",
  ]
  private static let documented: Set<String> = [
    "struct", "class", "enum", "protocol", "actor", "func", "typealias",
  ]
  /// Witnesses whose meaning is the protocol's, not ours.
  private static let witnesses: Set<String> = [
    "hash", "makeAsyncIterator", "makeIterator", "next", "enqueue", "encode", "index",
  ]

  static let declarations = Rule.perSwiftFile(
    "package-is-documented", "Put a /// line above every package type and function."
  ) { file in
    guard file.path.hasPrefix("Shared/") || file.path.contains("/Contract/") else { return [] }
    return file.tokens.indices.compactMap { index in
      guard file.tokens[index].text == "package", let name = declaredName(in: file, after: index),
        !witnesses.contains(name), !isOneLineFunction(in: file, at: file.tokens[index].line),
        !file.hasComment(above: file.tokens[index].line, doc: true)
      else { return nil }
      return file.violation(
        "package-is-documented", line: file.tokens[index].line, "\(name) has no ///")
    }
  }

  /// The name behind `package final class X`; nil for imports, properties and operators.
  private static func declaredName(in file: SourceFile, after index: Int) -> String? {
    var next = index + 1
    while let token = file.token(next), token.kind == .word || token.text == "(" {
      if token.text == "(" {
        next += 3  // `nonisolated(unsafe)`, `private(set)`
        continue
      }
      let after = file.token(next + 1)
      if documented.contains(token.text), after?.kind == .word, after?.text != "func" {
        return after?.text
      }
      guard modifiers.contains(token.text) else { return nil }
      next += 1
    }
    return nil
  }

  /// `package func end() { depth -= 1 }` says everything itself.
  private static func isOneLineFunction(in file: SourceFile, at line: Int) -> Bool {
    let text = file.trimmedLine(line)
    return text.contains("func ") && text.contains("{") && text.hasSuffix("}")
  }

  static let firstParagraph = Rule(
    name: "module-opens-with-its-purpose",
    purpose: "One file opens with `// Module: what it is for, what it never does, its limits.`"
  ) { tree in
    var files: [String: [SourceFile]] = [:]
    for file in tree.swiftFiles where !file.isGenerated && file.name != "Placeholder.swift" {
      guard let module = Architecture.module(holding: file.path), needsPurpose(module) else {
        continue
      }
      files[module.name, default: []].append(file)
    }
    return files.sorted { $0.key < $1.key }.compactMap { module, files in
      guard !files.contains(where: { opens($0, with: module) }), let first = files.first else {
        return nil
      }
      return first.violation(
        "module-opens-with-its-purpose", line: 1,
        "no file of \(module) opens with a paragraph `// \(module): …` of two lines or more")
    }
  }

  /// Tests are named after what they prove; a main of a few lines says everything itself.
  private static func needsPurpose(_ module: Module) -> Bool {
    if case .main = module.role { return false }
    return module.role != .test && !module.path.hasSuffix("/Main")
  }

  private static func opens(_ file: SourceFile, with module: String) -> Bool {
    file.lines.count > 1 && file.lines[0].hasPrefix("// \(module): ")
      && file.lines[1].hasPrefix("//")
  }
}
