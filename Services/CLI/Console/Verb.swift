// Console: what a command line is understood by and what it answers: verbs and flags as a table
// from which parsing, help and completion come, and the one place that speaks to a terminal. It
// knows no verb, no service and no socket. Limits: `Operands.operandsMax`.

/// One word of the command line: what it takes and what it says about itself.
///
/// Parsing, help and completion all read this; nothing is written down twice.
package struct Verb: Sendable {
  /// One word, or two: `ledger audit` is one verb of the group `ledger`.
  package let name: String
  /// One line, no full stop.
  package let summary: String
  /// The words behind it, as help shows them: `[SERVICE…]`.
  package let operands: Operands
  package let flags: [Flag]
  /// Paragraphs for `assay help VERB`.
  package let details: String
  package let examples: [String]
  /// Whether help and completion leave it out.
  package let isHidden: Bool

  package init(
    _ name: String, _ summary: String, operands: Operands = .none, flags: [Flag] = [],
    details: String = "", examples: [String] = [], isHidden: Bool = false
  ) {
    self.name = name
    self.summary = summary
    self.operands = operands
    self.flags = flags
    self.details = details
    self.examples = examples
    self.isHidden = isHidden
  }

  /// The first of two words.
  package var group: String? {
    let words = name.split(separator: " ")
    return words.count == 2 ? String(words[0]) : nil
  }

  /// `assay logs [-f] [SERVICE…]`.
  package var usage: String {
    let words =
      ["assay", name] + flags.map(\.usage) + (operands.text.isEmpty ? [] : [operands.text])
    return words.joined(separator: " ")
  }
}

/// How many words a verb takes besides its flags, and what they name.
package struct Operands: Sendable {
  /// What a shell may offer in their place.
  package enum Completion: Equatable, Sendable {
    case nothing, services, verbs, files
    case words([String])
  }

  package let text: String
  package let count: ClosedRange<Int>
  package let completion: Completion

  package init(_ text: String, count: ClosedRange<Int>, completion: Completion = .nothing) {
    self.text = text
    self.count = count
    self.completion = completion
  }

  package static let none = Operands("", count: 0...0)
  package static let services = Operands(
    "[SERVICE…]", count: 0...operandsMax, completion: .services)

  /// More words than anybody types.
  package static let operandsMax = 256
}

/// One flag of a verb.
package struct Flag: Sendable {
  /// Without dashes.
  package let name: String
  package let short: Character?
  /// What the value stands for in help, `SECONDS`; nil for a flag that is only there or not.
  package let value: String?
  package let help: String
  package let repeats: Bool

  package init(
    _ name: String, short: Character? = nil, value: String? = nil, repeats: Bool = false,
    _ help: String
  ) {
    self.name = name
    self.short = short
    self.value = value
    self.help = help
    self.repeats = repeats
  }

  var usage: String {
    let spelled = short.map { "-\($0)" } ?? "--\(name)"
    return "[\(spelled)\(value.map { " \($0)" } ?? "")]\(repeats ? "…" : "")"
  }

  /// Flags that every verb takes.
  package static let shared: [Flag] = [
    Flag("json", "print data as JSON, one value a line for streams"),
    Flag("help", short: "h", "explain the verb"),
  ]
}
