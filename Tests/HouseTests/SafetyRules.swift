/// Nothing from outside may trap, wait blindly or write where it should not.
enum SafetyRules {
  static let all = [
    forced, traps, printing, sleeping, uncheckedPlace, uncheckedReason, unsafeInServices,
  ]

  static let forced = Rule.perSwiftFile(
    "no-force", "Bad input throws: use try, as? or guard let."
  ) { file in
    file.tokens.indices.compactMap { index in
      let token = file.tokens[index]
      guard token.kind == .symbol, token.text.first == "!", token.text != "!=",
        token.text != "!==", !token.isSpaced, let before = file.token(index - 1)
      else { return nil }
      switch before.text {
      case "try", "as": return file.violation("no-force", line: token.line, "\(before.text)!")
      case _ where isOperand(before):
        return file.violation("no-force", line: token.line, "\(before.text)! unwraps by force")
      default: return nil
      }
    }
  }

  /// Whether a `!` glued to this token unwraps it, rather than negating what follows.
  private static func isOperand(_ token: Token) -> Bool {
    token.kind != .symbol || [")", "]", "}"].contains(token.text)
  }

  static let traps = callRule(
    "no-trap", ["fatalError", "preconditionFailure"],
    "Throw a typed error; a state no input can reach is worth a precondition with its reason.")

  static let printing = callRule(
    "no-print", ["print", "debugPrint", "dump", "puts", "printf"],
    "Log through Telemetry; only Main and the CLI's output file speak to the terminal."
  ) { file in
    file.path.contains("/Main/") || file.name == "Main.swift"
      || (file.path.hasPrefix("Tests/") && !file.path.hasPrefix("Tests/HouseTests/"))
  }

  static let sleeping = Rule.perSwiftFile(
    "no-sleep", "Wait for a condition with a deadline, or use the loop's timers."
  ) { file in
    file.tokens.indices.compactMap { index in
      let token = file.tokens[index]
      guard ["sleep", "usleep", "nanosleep"].contains(token.text),
        file.token(index + 1)?.text == "(", file.token(index - 1)?.text != "func",
        isBlindWait(in: file, at: index)
      else { return nil }
      return file.violation("no-sleep", line: token.line, "\(token.text)( waits for nothing")
    }
  }

  /// Not blind: an event loop's own `sleep(for:)`, which its timers wake and cancellation ends.
  private static func isBlindWait(in file: SourceFile, at index: Int) -> Bool {
    guard file.token(index - 1)?.text == "." else {
      return file.token(index + 2)?.text != "for"
    }
    let receiver = file.token(index - 2)?.text ?? ""
    return ["Task", "Glibc", "ContinuousClock", "SuspendingClock", ")"].contains(receiver)
  }

  static let uncheckedPlace = Rule.perSwiftFile(
    "unchecked-only-in-shared", "Only wrappers under Shared/ promise what the compiler cannot see."
  ) { file in
    guard !file.path.hasPrefix("Shared/"), !file.path.hasPrefix("Tests/") else { return [] }
    return unchecked(in: file).map {
      file.violation("unchecked-only-in-shared", line: $0.line, $0.text)
    }
  }

  static let uncheckedReason = Rule.perSwiftFile(
    "unchecked-has-a-reason", "Name the lock or the C guarantee in a comment right above."
  ) { file in
    unchecked(in: file).filter { place in
      !file.comments.contains { $0.line == place.line }
        && !file.hasComment(above: place.declarationLine, doc: false)
        && !file.hasComment(above: place.line, doc: false)
    }.map { file.violation("unchecked-has-a-reason", line: $0.line, $0.text) }
  }

  private struct Unchecked {
    let text: String
    let line: Int
    /// Where the declaration begins that carries the word, `@unchecked` after a line break too.
    let declarationLine: Int
  }

  private static let declarations: Set<String> = ["class", "struct", "enum", "extension", "actor"]

  private static func unchecked(in file: SourceFile) -> [Unchecked] {
    file.tokens.indices.compactMap { index in
      let token = file.tokens[index]
      if token.text == "unchecked", file.token(index - 1)?.text == "@" {
        let start = file.tokens[..<index].lastIndex { declarations.contains($0.text) }
        return Unchecked(
          text: "@unchecked Sendable", line: token.line,
          declarationLine: start.map { file.tokens[$0].line } ?? token.line)
      }
      guard token.text == "nonisolated", file.token(index + 1)?.text == "(",
        file.token(index + 2)?.text == "unsafe"
      else { return nil }
      return Unchecked(
        text: "nonisolated(unsafe)", line: token.line, declarationLine: token.line)
    }
  }

  static let unsafeInServices = Rule.perSwiftFile(
    "no-unsafe-in-services", "Memory is handled in a Shared wrapper, or not at all."
  ) { file in
    guard file.path.hasPrefix("Services/") else { return [] }
    return file.tokens.filter { $0.text == "unsafe" }
      .map { file.violation("no-unsafe-in-services", line: $0.line, "unsafe") }
  }

  /// A rule against plain calls of some functions: `name(`, not `x.name(` and not `func name(`.
  private static func callRule(
    _ name: String, _ functions: Set<String>, _ purpose: String,
    exempt: @escaping @Sendable (SourceFile) -> Bool = { _ in false }
  ) -> Rule {
    Rule.perSwiftFile(name, purpose) { file in
      guard !exempt(file) else { return [] }
      return file.tokens.indices.compactMap { index in
        let token = file.tokens[index]
        guard token.kind == .word, functions.contains(token.text),
          file.token(index + 1)?.text == "(", file.token(index - 1)?.text != "func"
        else { return nil }
        if file.token(index - 1)?.text == ".",
          !["Swift", "Glibc"].contains(file.token(index - 2)?.text ?? "")
        {
          return nil
        }
        return file.violation(name, line: token.line, "\(token.text)(")
      }
    }
  }
}
