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
  /// A function this short is its own explanation.
  private static let undocumentedLinesMax = 6

  static let declarations = Rule(
    name: "package-is-documented",
    purpose:
      "Put a /// above outermost package types, and functions over \(undocumentedLinesMax) lines."
  ) { tree in
    let files = tree.swiftFiles.filter {
      !$0.isGenerated && ($0.path.hasPrefix("Shared/") || $0.path.contains("/Contract/"))
    }
    let explained = Set(files.flatMap(requirementNames))
    return files.flatMap { undocumented(in: $0, except: explained) }
  }

  private static func undocumented(
    in file: SourceFile, except explained: Set<String>
  ) -> [Violation] {
    let short = Set(
      FunctionScan(file).spans.filter { $0.lineCount <= undocumentedLinesMax }.map(\.firstLine))
    return file.tokens.indices.compactMap { index in
      let line = file.tokens[index].line
      guard file.tokens[index].text == "package", let name = declaredName(in: file, after: index),
        !short.contains(line), !explained.contains(name), !file.hasComment(above: line, doc: true)
      else { return nil }
      return file.violation("package-is-documented", line: line, "\(name) has no ///")
    }
  }

  /// Functions that a protocol of the file asks for: explained there, not at every witness.
  private static func requirementNames(in file: SourceFile) -> [String] {
    var names: [String] = []
    var depth: Int?
    for index in file.tokens.indices {
      switch file.tokens[index].text {
      case "protocol": depth = depth ?? 0
      case "{": depth = depth.map { $0 + 1 }
      case "}": depth = depth.flatMap { $0 > 1 ? $0 - 1 : nil }
      case "func" where depth == 1: names.append(file.token(index + 1)?.text ?? "")
      default: break
      }
    }
    return names
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
        // A nested type is a part of what its outer type explains.
        let isNested = file.lines[token.line - 1].hasPrefix(" ")
        return token.text == "func" || !isNested ? after?.text : nil
      }
      guard modifiers.contains(token.text) else { return nil }
      next += 1
    }
    return nil
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
      let names = [module, module.hasSuffix("Service") ? String(module.dropLast(7)) : module]
      guard let first = files.first,
        !files.contains(where: { file in names.contains { opens(file, with: $0) } })
      else { return nil }
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
