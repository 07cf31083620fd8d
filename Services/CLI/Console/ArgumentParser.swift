import Faults

/// Turns words into an invocation by the table of verbs: `--flag value`, `--flag=value`, `-f`,
/// `-fvalue`, `-f value`, and `--` before words that only look like flags.
package struct ArgumentParser: Sendable {
  private let verbs: [Verb]

  package init(_ verbs: [Verb]) {
    self.verbs = verbs
  }

  /// The verb of that name, hidden ones too.
  package func verb(_ name: String) -> Verb? { verbs.first { $0.name == name } }

  /// Understands the words behind the program's own name.
  package func parse(_ words: [String]) throws(UsageError) -> Invocation {
    var rest = words[...]
    guard let first = rest.popFirst() else { return Invocation(verb: "help") }
    switch first {
    case "-h", "--help": return Invocation(verb: "help", operands: Array(rest))
    case "--version", "-V": return Invocation(verb: "version")
    default: break
    }
    guard !first.hasPrefix("-") || first == "-" else {
      throw UsageError(
        "the verb comes first, before \(first)", hint: "assay VERB \(first)", verb: nil)
    }
    if let verb = verb(first) { return try parse(rest, of: verb) }
    let group = group(first)
    guard !group.isEmpty else {
      throw UsageError("there is no verb \(first)", hint: suggestion(for: first), verb: nil)
    }
    return try parse(rest, in: group, named: first)
  }

  /// The verbs of a group: those whose names are this word and one more.
  package func group(_ word: String) -> [Verb] { verbs.filter { $0.group == word } }

  private func parse(
    _ words: ArraySlice<String>, in group: [Verb], named name: String
  ) throws(UsageError) -> Invocation {
    let second = group.compactMap { $0.name.split(separator: " ").last.map(String.init) }
    guard let word = words.first, !["-h", "--help"].contains(word) else {
      if !words.isEmpty { return Invocation(verb: "help", operands: [name]) }
      throw UsageError(
        "assay \(name) needs one of \(second.joined(separator: ", "))",
        hint: "assay \(name) --help", verb: nil)
    }
    guard let verb = verb("\(name) \(word)") else {
      let near = Spelling.nearest(to: word, among: second)
      throw UsageError(
        "assay \(name) does not know \(word)",
        hint: near.map { "did you mean assay \(name) \($0)?" }
          ?? "it knows \(second.joined(separator: ", "))", verb: nil)
    }
    return try parse(words.dropFirst(), of: verb)
  }

  private func suggestion(for name: String) -> String {
    let known = verbs.filter { !$0.isHidden }.map { $0.group ?? $0.name }
    return Spelling.nearest(to: name, among: known)
      .map { "did you mean assay \($0)?" } ?? "assay help lists all verbs"
  }

  private func parse(
    _ words: ArraySlice<String>, of verb: Verb
  ) throws(UsageError) -> Invocation {
    var invocation = Invocation(verb: verb.name)
    var rest = words
    var onlyOperands = false
    while let word = rest.popFirst() {
      if onlyOperands || !word.hasPrefix("-") || word == "-" {
        invocation.operands.append(word)
      } else if word == "--" {
        onlyOperands = true
      } else {
        try takeFlag(word, of: verb, rest: &rest, into: &invocation)
      }
    }
    guard !invocation.has("help") else { return Invocation(verb: "help", operands: [verb.name]) }
    try checkCount(of: invocation.operands, for: verb)
    return invocation
  }

  private func takeFlag(
    _ word: String, of verb: Verb, rest: inout ArraySlice<String>, into invocation: inout Invocation
  ) throws(UsageError) {
    let (flag, attached) = try find(word, in: verb)
    var value = attached
    if flag.value != nil {
      if value == nil { value = rest.popFirst() }
      guard value != nil else {
        throw UsageError(
          "\(word) needs a value", hint: "--\(flag.name) \(flag.value ?? "")", verb: verb.name)
      }
    } else if attached != nil {
      throw UsageError("--\(flag.name) takes no value", hint: "--\(flag.name)", verb: verb.name)
    }
    guard flag.repeats || !invocation.has(flag.name) else {
      throw UsageError("--\(flag.name) is given twice", hint: nil, verb: verb.name)
    }
    invocation.flags[flag.name, default: []].append(value ?? "")
  }

  /// The flag a word spells, and the value glued to it.
  private func find(_ word: String, in verb: Verb) throws(UsageError) -> (Flag, String?) {
    let flags = verb.flags + Flag.shared
    if word.hasPrefix("--") {
      let parts = word.dropFirst(2).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts.first.map(String.init) ?? ""
      if let flag = flags.first(where: { $0.name == name }) {
        return (flag, parts.count > 1 ? String(parts[1]) : nil)
      }
      let near = Spelling.nearest(to: name, among: flags.map(\.name))
      throw UsageError(
        "assay \(verb.name) has no flag --\(name)", hint: near.map { "did you mean --\($0)?" },
        verb: verb.name)
    }
    guard let flag = flags.first(where: { $0.short == word.dropFirst().first }) else {
      throw UsageError(
        "assay \(verb.name) has no flag \(word)", hint: "assay help \(verb.name)", verb: verb.name)
    }
    let attached = word.dropFirst(2)
    return (flag, attached.isEmpty ? nil : String(attached))
  }

  private func checkCount(of operands: [String], for verb: Verb) throws(UsageError) {
    if operands.count < verb.operands.count.lowerBound {
      throw UsageError(
        "assay \(verb.name) needs \(verb.operands.text)", hint: verb.usage, verb: verb.name)
    }
    guard operands.count > verb.operands.count.upperBound else { return }
    let extra = operands[verb.operands.count.upperBound]
    throw UsageError(
      "assay \(verb.name) does not know what to do with \(extra)", hint: verb.usage,
      verb: verb.name)
  }
}
