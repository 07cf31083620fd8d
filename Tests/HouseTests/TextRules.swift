/// What may not stand in any file of the repository, whatever its language.
enum TextRules {
  static let all = [promises, machinePaths, secrets]

  // The words are put together here so that this file does not break its own rules.
  private static let promiseWords = ["TO" + "DO", "FIX" + "ME"]
  private static let pathStarts = ["/work", "/home", "/root", "/Users", "/opt/swift"]

  static let promises = perLine(
    "no-promises", "Do it, or write it down where work is planned."
  ) { line in
    promiseWords.first { word in
      containsWord(line, word)
    }
  }

  static let machinePaths = perLine(
    "no-machine-paths", "Take the path from #filePath, $0 or the environment."
  ) { line in
    pathStarts.first { start in
      line.split(separator: start, omittingEmptySubsequences: false).dropFirst()
        .contains { $0.first == "/" }
    }.map { "a path under \($0)" }
  }

  /// How well-known secrets begin, and how many letters or digits must follow to be one.
  private static let secretStarts: [(start: String, length: Int)] = [
    ("AK" + "IA", 16), ("sk" + "-ant-", 16), ("sk" + "-proj-", 16), ("gh" + "p_", 20),
    ("github" + "_pat_", 20), ("xo" + "xb-", 10), ("AI" + "za", 30), ("gl" + "pat-", 16),
  ]

  private static let privateKey = "PRIV" + "ATE KEY"

  static let secrets = perLine(
    "no-secrets", "Secrets come from files at run time; in tests they are made up on the spot."
  ) { line in
    if line.contains("-----BEGIN "), line.contains(privateKey) { return "a private key" }
    for (start, length) in secretStarts {
      for rest in line.split(separator: start, omittingEmptySubsequences: false).dropFirst() {
        let body = rest.prefix { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
        if body.count >= length { return "what looks like a key (\(start)…)" }
      }
    }
    return nil
  }

  private static func perLine(
    _ name: String, _ purpose: String, _ finding: @escaping @Sendable (String) -> String?
  ) -> Rule {
    Rule(name: name, purpose: purpose) { tree in
      tree.files.filter { !$0.isGenerated }.flatMap { file in
        file.lines.enumerated().compactMap { index, line in
          finding(line).map { file.violation(name, line: index + 1, $0) }
        }
      }
    }
  }

  /// `word` stands in `line` with no letter or digit glued to it.
  static func containsWord(_ line: String, _ word: String) -> Bool {
    let parts = line.split(separator: word, omittingEmptySubsequences: false)
    guard parts.count > 1 else { return false }
    return zip(parts, parts.dropFirst()).contains { before, after in
      !isWordPart(before.last) && !isWordPart(after.first)
    }
  }

  private static func isWordPart(_ character: Character?) -> Bool {
    character.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false
  }
}
