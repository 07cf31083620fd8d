package import ScoreContract

/// What became of one run, as its log says from outside.
package struct ProofRun: Sendable, Equatable {
  package var id = ""
  /// Which of the questions it asked.
  package var spec = 0
  package var state = RunState.unspecified
  package var totals = RunTotals()
  /// The value of every unit, or why it has none.
  package var units: [String: String] = [:]
  /// What broke a rule of the log while it was read.
  package var faults: [String] = []
  package private(set) var lastSeq: Int64 = 0
  private var endings = 0

  package init(spec: Int) { self.spec = spec }

  package var hasEnded: Bool { endings > 0 }

  /// Takes the next entry of the log; what comes again behind a broken stream is left out.
  package mutating func take(_ event: Event) {
    guard event.seq > lastSeq else { return }
    if event.seq != lastSeq + 1 {
      faults.append("\(id): entry \(event.seq) came behind \(lastSeq)")
    }
    lastSeq = event.seq
    switch event.fact?.kind {
    case .run(let change):
      state = change.state
      if let told = change.totals { totals = told }
      if event.endsRun { endings += 1 }
      if endings > 1 { faults.append("\(id): it ended twice, at \(event.seq)") }
    case .unit(let change): take(change, at: event.seq)
    default: break
    }
  }

  private mutating func take(_ change: UnitChange, at seq: Int64) {
    guard change.state != .open else { return }
    if units[change.unitId] != nil {
      faults.append("\(id): \(change.unitId) was settled twice, at \(seq)")
    }
    units[change.unitId] = ProofRun.text(of: change)
  }

  /// Everything of a settled unit that may not depend on who was killed when.
  private static func text(of change: UnitChange) -> String {
    switch change.state {
    case .succeeded:
      if case .number(let number)? = change.verdict?.value?.kind { return "score \(number)" }
      return "no value"
    case .unitFailed: return "failed \(change.failure?.reason.name ?? "")"
    default: return change.state.name
    }
  }
}
