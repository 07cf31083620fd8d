import Console
import ToolContext

/// `assay help`: the table of verbs, for people.
enum HelpCommand {
  static let command = Command(
    "help", "explain a verb, or list all",
    operands: Operands("[VERB]", count: 0...2, completion: .verbs), examples: ["assay help up"]
  ) { context in
    guard !context.operands.isEmpty else {
      context.terminal.output(overview(context.terminal))
      return .success
    }
    let name = context.operands.joined(separator: " ")
    let group = CommandTable.parser.group(name)
    guard group.isEmpty else {
      context.terminal.output(text(of: group, name, context.terminal))
      return .success
    }
    guard let verb = CommandTable.parser.verb(name) else {
      throw UsageError("there is no verb \(name)", hint: "assay help lists all verbs")
    }
    context.terminal.output(text(of: verb, context.terminal))
    return .success
  }

  private static func overview(_ terminal: Terminal) -> String {
    let lines = list(CommandTable.verbs.filter { !$0.isHidden }, terminal)
    return """
      assay: run, watch and question a mesh of scoring services

      usage: assay VERB [FLAGS] [WORDS]

      \(lines.joined(separator: "\n"))

      Data goes to standard output, talk to standard error; --json makes the data JSON.
      Exit codes: 0 ok, 1 failed, 2 usage, 3 partial, 4 denied, 5 budget, 6 upstream,
      7 mesh unavailable, 130 interrupted.
      assay help VERB explains one verb.

      """
  }

  private static func list(_ verbs: [Verb], _ terminal: Terminal) -> [String] {
    let width = verbs.map(\.name.count).max() ?? 0
    return verbs.map { verb in
      "  \(terminal.painted(verb.name, .bold))"
        + String(repeating: " ", count: width - verb.name.count + 2) + verb.summary
    }
  }

  private static func text(of group: [Verb], _ name: String, _ terminal: Terminal) -> String {
    (["assay \(name):", ""] + list(group, terminal)
      + ["", "assay help \(name) WORD explains one of them.", ""]).joined(separator: "\n")
  }

  private static func text(of verb: Verb, _ terminal: Terminal) -> String {
    let flags = verb.flags + Flag.shared
    let spelled = flags.map { flag in
      (flag.short.map { "-\($0), " } ?? "    ") + "--\(flag.name)"
        + (flag.value.map { " \($0)" } ?? "")
    }
    let width = spelled.map(\.count).max() ?? 0
    let lines = zip(flags, spelled).map { flag, text in
      "  \(text)\(String(repeating: " ", count: width - text.count + 2))\(flag.help)"
    }
    var parts = [
      "\(terminal.painted("assay \(verb.name)", .bold)): \(verb.summary)", "", verb.usage,
    ]
    if !verb.details.isEmpty { parts += ["", verb.details] }
    parts += ["", lines.joined(separator: "\n")]
    if !verb.examples.isEmpty {
      parts += ["", "examples:"] + verb.examples.map { "  \($0)" }
    }
    return parts.joined(separator: "\n") + "\n"
  }
}
