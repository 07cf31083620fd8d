import Testing

/// One rule of the house: a name to speak of it, why it stands, and the check.
struct Rule: Sendable, CustomTestStringConvertible {
  let name: String
  /// What to do about a violation, one line.
  let purpose: String
  let check: @Sendable (SourceTree) -> [Violation]

  var testDescription: String { name }

  /// A rule that looks at one Swift file at a time. Generated files are not its business.
  static func perSwiftFile(
    _ name: String, _ purpose: String, _ body: @escaping @Sendable (SourceFile) -> [Violation]
  ) -> Rule {
    Rule(name: name, purpose: purpose) { tree in
      tree.swiftFiles.filter { !$0.isGenerated }.flatMap(body)
    }
  }
}

/// A place where a rule is broken.
struct Violation: Equatable, Sendable, CustomStringConvertible {
  let rule: String
  let path: String
  let line: Int
  let message: String

  var description: String { "\(path):\(line): [\(rule)] \(message)" }

  var location: SourceLocation {
    SourceLocation(
      fileID: "House/\(path)", filePath: "\(SourceTree.top)/\(path)", line: max(line, 1), column: 1)
  }
}

/// A place where a rule is broken on purpose, and why that is right.
struct RuleException: Sendable {
  let rule: String
  let path: String
  /// Part of the violation's message; empty covers every violation of the rule in the file.
  let text: String
  let reason: String

  func covers(_ violation: Violation) -> Bool {
    violation.rule == rule && violation.path == path
      && (text.isEmpty || violation.message.contains(text))
  }
}
