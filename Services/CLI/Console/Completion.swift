/// Scripts that teach a shell the table of verbs.
package struct Completion: Sendable {
  package enum Shell: String, CaseIterable, Sendable { case bash, zsh, fish }

  private let verbs: [Verb]

  package init(_ verbs: [Verb]) {
    var shown: [Verb] = []
    for verb in verbs where !verb.isHidden {
      guard let group = verb.group else {
        shown.append(verb)
        continue
      }
      guard !shown.contains(where: { $0.name == group }) else { continue }
      shown.append(Self.whole(group, verbs.filter { !$0.isHidden && $0.group == group }))
    }
    self.verbs = shown
  }

  /// A group as one verb, which takes what any of its own takes.
  private static func whole(_ name: String, _ verbs: [Verb]) -> Verb {
    let words = verbs.compactMap { $0.name.split(separator: " ").last.map(String.init) }
    var flags: [Flag] = []
    for flag in verbs.flatMap(\.flags) where !flags.contains(where: { $0.name == flag.name }) {
      flags.append(flag)
    }
    return Verb(
      name, words.joined(separator: " or "),
      operands: Operands("", count: 1...1, completion: .words(words)), flags: flags)
  }

  /// The script for one shell; names of services are asked of `assay` when they are needed.
  package func script(for shell: Shell) -> String {
    switch shell {
    case .bash: bash
    case .zsh: zsh
    case .fish: fish
    }
  }

  private var names: String { verbs.map(\.name).joined(separator: " ") }

  private func flagWords(_ verb: Verb) -> [String] {
    (verb.flags + Flag.shared).flatMap { flag in
      ["--\(flag.name)"] + (flag.short.map { ["-\($0)"] } ?? [])
    }
  }

  /// Shell words that print what may stand behind a verb.
  private func source(_ verb: Verb) -> String? {
    switch verb.operands.completion {
    case .nothing, .files: nil
    case .services: "$(assay __complete services 2>/dev/null)"
    case .verbs: names
    case .words(let words): words.joined(separator: " ")
    }
  }

  private var bash: String {
    let cases = verbs.map { verb in
      let words = flagWords(verb).joined(separator: " ") + (source(verb).map { " \($0)" } ?? "")
      let files = verb.operands.completion == .files ? " -f" : ""
      return "    \(verb.name)) COMPREPLY=($(compgen\(files) -W \"\(words)\" -- \"$word\")) ;;"
    }
    return """
      # assay completion for bash: source <(assay completion bash)
      _assay() {
        local word=${COMP_WORDS[COMP_CWORD]}
        if [ "$COMP_CWORD" -eq 1 ]; then
          COMPREPLY=($(compgen -W "\(names)" -- "$word"))
          return
        fi
        case ${COMP_WORDS[1]} in
      \(cases.joined(separator: "\n"))
        esac
      }
      complete -F _assay assay

      """
  }

  private var zsh: String {
    let listed = verbs.map { "    '\($0.name):\(Self.quoted($0.summary))'" }
    let cases = verbs.map { verb in
      var words = (verb.flags + Flag.shared).map { flag in
        "'--\(flag.name)[\(Self.quoted(flag.help))]\(flag.value.map { ":\($0):" } ?? "")'"
      }
      if let source = source(verb) { words.append("\"*:word:(\(source))\"") }
      if verb.operands.completion == .files { words.append("'*:file:_files'") }
      return "    \(verb.name)) _arguments \(words.joined(separator: " ")) ;;"
    }
    return """
      #compdef assay
      # assay completion for zsh: source <(assay completion zsh)
      _assay() {
        local -a verbs
        verbs=(
      \(listed.joined(separator: "\n"))
        )
        if (( CURRENT == 2 )); then
          _describe verb verbs
          return
        fi
        local verb=${words[2]}
        shift words
        (( CURRENT-- ))
        case $verb in
      \(cases.joined(separator: "\n"))
        esac
      }
      compdef _assay assay

      """
  }

  private var fish: String {
    var lines = [
      "# assay completion for fish: assay completion fish | source",
      "complete -c assay -f",
    ]
    for verb in verbs {
      lines.append(
        "complete -c assay -n __fish_use_subcommand -a \(verb.name)"
          + " -d '\(Self.quoted(verb.summary))'")
      let condition = "complete -c assay -n '__fish_seen_subcommand_from \(verb.name)'"
      for flag in verb.flags + Flag.shared {
        lines.append(
          "\(condition) -l \(flag.name)" + (flag.short.map { " -s \($0)" } ?? "")
            + (flag.value == nil ? "" : " -r") + " -d '\(Self.quoted(flag.help))'")
      }
      if let source = source(verb) {
        let words = source.hasPrefix("$(") ? "(\(source.dropFirst(2).dropLast()))" : source
        lines.append("\(condition) -a '\(words)'")
      }
      if verb.operands.completion == .files { lines.append("\(condition) -F") }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Without what a shell's single quotes, or zsh's brackets and colons, would take for theirs.
  private static func quoted(_ text: String) -> String {
    String(
      text.map { character in
        switch character {
        case "'": "’"
        case "[": "("
        case "]": ")"
        case ":": ","
        default: character
        }
      })
  }
}
