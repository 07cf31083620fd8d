// ScoreContract: values, verdicts, runs and their logs, as several services say them to each
// other. All but these few words about them is generated from proto/assay/score; it decides
// nothing. Limits: those of the methods that carry them.

extension RunState {
  /// Final, until somebody requests RESUME.
  package var isEnded: Bool {
    switch self {
    case .completed, .partial, .failed, .timedOut, .cancelled: true
    default: false
    }
  }
}

extension Event {
  /// Whether the run has ended with this.
  package var endsRun: Bool {
    guard case .run(let change)? = fact?.kind else { return false }
    return change.requested == .unspecified && change.state.isEnded
  }

  /// About how much memory it takes.
  package var aboutBytes: Int {
    guard case .unit(let change)? = fact?.kind, let verdict = change.verdict else { return 512 }
    return 1024 + verdict.reasoning.utf8.count + verdict.detail.count
  }
}
