import Console
package import ScoreContract

/// Runs and verdicts as words and tables.
package enum RunText {
  /// Verdicts that `show` prints before it points at `export`.
  package static let verdictsShownMax = 50
  private static let reasoningCharactersMax = 60

  // MARK: - Words

  package static func name(of state: RunState) -> String { words(state.name) }

  package static func name(of reason: Failure.Reason) -> String { words(reason.name) }

  package static func name(of state: StageState) -> String {
    words(state.name.hasPrefix("STAGE_") ? String(state.name.dropFirst(6)) : state.name)
  }

  package static func verb(of request: RunRequest) -> String { words(request.name) }

  /// `TIMED_OUT` is `timed out` to people.
  private static func words(_ name: String) -> String {
    String(name.lowercased().map { $0 == "_" ? " " : $0 })
  }

  /// The state that people mean by a word; nil when there is none.
  package static func state(named word: String) -> RunState? {
    let wanted = word.lowercased().filter { $0 != "-" && $0 != "_" && $0 != " " }
    return (1...11).map { RunState(rawValue: $0) }.first { state in
      state.name.lowercased().filter { $0 != "_" } == wanted
    }
  }

  /// `7`, `7.25`, `true`, `label`, a text's beginning.
  package static func text(of value: Value?) -> String {
    switch value?.kind {
    case .number(let number):
      number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : String(number)
    case .truth(let truth): words(truth.name)
    case .label(let label): label
    case .labels(let labels): labels.names.joined(separator: ", ")
    case .text(let text): String(text.prefix(reasoningCharactersMax))
    case .object: "{…}"
    case nil: "–"
    }
  }

  // MARK: - Tables

  /// Runs, a row each.
  package static func table(_ runs: [Run]) -> [String] {
    var table = TextTable(
      ["RUN", "WORKLOAD", "STATE", "SETTLED", "CALLS", "COST", "AGE"], right: [3, 4, 5])
    for run in runs {
      let totals = run.totals ?? RunTotals()
      let settled = totals.succeeded + totals.failed + totals.undetermined + totals.skipped
      let reason = run.reason.isEmpty ? "" : " (\(run.reason))"
      table.add([
        run.id, run.workload, name(of: run.state) + reason, "\(settled)/\(totals.planned)",
        String(totals.attempts), Money.text(totals.costNanos),
        age(from: run.createdAtUs, to: run.updatedAtUs),
      ])
    }
    return table.lines
  }

  /// How long a run took, or takes.
  package static func age(from start: Int64, to end: Int64) -> String {
    let milliseconds = max(0, end - start) / 1000
    if milliseconds < 10_000 { return "\(milliseconds) ms" }
    let seconds = milliseconds / 1000
    if seconds < 120 { return "\(seconds) s" }
    if seconds < 7200 { return "\(seconds / 60) min" }
    return "\(seconds / 3600) h"
  }

  /// Verdicts, a row each.
  package static func table(_ verdicts: [Verdict]) -> [String] {
    var table = TextTable(["UNIT", "VALUE", "MODEL", "REASONING"], right: [1])
    for verdict in verdicts {
      let flags = verdict.flags.isEmpty ? "" : " [\(verdict.flags.joined(separator: ", "))]"
      table.add([
        verdict.unitId, text(of: verdict.value), verdict.model,
        Terminal.harmless(String(verdict.reasoning.prefix(reasoningCharactersMax))) + flags,
      ])
    }
    return table.lines
  }

  /// What a run amounts to, in a few lines.
  package static func summary(_ run: Run, stages: [Stage]) -> [String] {
    let totals = run.totals ?? RunTotals()
    var lines = [
      "\(run.id)  \(run.workload)  \(name(of: run.state))"
        + (run.reason.isEmpty ? "" : " (\(run.reason))"),
      "units    \(totals.planned): \(totals.succeeded) scored, \(totals.failed) failed, "
        + "\(totals.undetermined) undetermined, \(totals.skipped) skipped",
      "calls    \(totals.attempts)"
        + (totals.lostAttempts > 0 ? ", \(totals.lostAttempts) of them lost" : ""),
      "cost     \(Money.text(totals.costNanos))"
        + (run.options.map { $0.budgetCapNanos > 0 ? " of \(Money.text($0.budgetCapNanos))" : "" }
          ?? ""),
      "tokens   \(totals.inputTokens) in, \(totals.outputTokens) out",
    ]
    if stages.count > 1 {
      lines += stages.map { "stage    \($0.name): \(name(of: $0.state))" }
    }
    if run.requested != .unspecified { lines.append("asked    to \(verb(of: run.requested))") }
    return lines
  }
}
