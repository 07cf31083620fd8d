package import JSON
package import ScoreContract

/// What is said while a run goes on: a value that turns its log into one live line, or plain ones.
package struct RunProgress: Sendable {
  /// Something to show.
  package enum Output: Equatable, Sendable {
    /// Stays on the screen.
    case line(String)
    case json(JSONValue)
  }

  package enum Mode: Sendable { case live, plain, json }

  private let mode: Mode
  private let runID: String
  private let capNanos: Int64
  private let json: EventJSON?
  /// Counts as the log has them so far.
  package private(set) var totals = RunTotals()
  package private(set) var state = RunState.pending
  package private(set) var reason = ""
  package private(set) var lastSeq: Int64 = 0
  /// Why nothing moves, as the engine said last.
  private var waiting = ""
  private var failures: [String: Int] = [:]
  private var settledAtStart: Int64?
  private var shownPercent: Int64 = 0

  package init(_ mode: Mode, runID: String, capNanos: Int64 = 0) {
    self.mode = mode
    self.runID = runID
    self.capNanos = capNanos
    json = mode == .json ? EventJSON() : nil
  }

  private var settled: Int64 {
    totals.succeeded + totals.failed + totals.undetermined + totals.skipped
  }

  package var hasEnded: Bool { state.isEnded }

  /// Takes the next entry of the log.
  package mutating func take(_ event: Event) -> [Output] {
    lastSeq = event.seq
    if let json { return [.json(json.value(of: event))] + apply(event).filter { _ in false } }
    return apply(event)
  }

  private mutating func apply(_ event: Event) -> [Output] {
    switch event.fact?.kind {
    case .run(let change): return take(change)
    case .planned(let planned):
      totals.planned += planned.count
      return []
    case .unit(let change):
      take(change)
      return plainSteps()
    case .attempt(let attempt):
      totals.attempts += 1
      if attempt.state == .attemptLost { totals.lostAttempts += 1 }
      totals.costNanos += attempt.usage?.costNanos ?? 0
      waiting = ""
      return []
    case .note(let note):
      waiting = note.text
      return mode == .plain ? [.line("\(runID)  \(note.text)")] : []
    case .stage, nil: return []
    }
  }

  private mutating func take(_ change: RunChange) -> [Output] {
    if let told = change.totals { totals = told }
    let before = state
    state = change.state
    reason = change.reason
    guard before != state || change.requested != .unspecified else { return [] }
    var line = "\(runID)  \(RunText.name(of: state))"
    if !reason.isEmpty { line += " (\(reason))" }
    if change.requested != .unspecified {
      line = "\(runID)  asked to \(RunText.verb(of: change.requested))"
    }
    if state.isEnded { line += "  " + summary }
    return mode == .plain || state.isEnded || state == .paused ? [.line(line)] : []
  }

  private mutating func take(_ change: UnitChange) {
    switch change.state {
    case .succeeded: totals.succeeded += 1
    case .unitFailed:
      totals.failed += 1
      failures[RunText.name(of: change.failure?.reason ?? .unspecified), default: 0] += 1
    case .undetermined: totals.undetermined += 1
    case .skipped: totals.skipped += 1
    case .open, .unspecified, .unrecognized: break
    }
  }

  /// Off a terminal a line at every tenth is enough.
  private mutating func plainSteps() -> [Output] {
    guard mode == .plain, totals.planned > 0 else { return [] }
    let percent = settled * 100 / totals.planned
    guard percent >= shownPercent + 10, percent < 100 else { return [] }
    shownPercent = percent
    return [.line("\(runID)  \(settled)/\(totals.planned)  \(Money.text(totals.costNanos))")]
  }

  // MARK: - Text

  private var summary: String {
    var parts = ["\(totals.succeeded) scored"]
    if totals.undetermined > 0 { parts.append("\(totals.undetermined) undetermined") }
    if totals.skipped > 0 { parts.append("\(totals.skipped) skipped") }
    if totals.failed > 0 { parts.append("\(totals.failed) failed") }
    parts.append("\(totals.attempts) calls")
    if totals.lostAttempts > 0 { parts.append("\(totals.lostAttempts) of them lost") }
    parts.append(Money.text(totals.costNanos))
    return parts.joined(separator: ", ")
  }

  /// The one line of a run that goes on, at a time since it is watched.
  package mutating func liveLine(at elapsed: Duration) -> String {
    let base = settledAtStart ?? settled
    settledAtStart = base
    var parts = ["\(runID)  \(RunText.name(of: state))", "\(settled)/\(totals.planned)"]
    let seconds = elapsed / .seconds(1)
    let rate = seconds > 0.5 ? Double(settled - base) / seconds : 0
    if rate > 0 {
      parts.append("\(rate >= 10 ? String(Int(rate.rounded())) : Self.tenths(rate))/s")
      let left = Double(totals.planned - settled) / rate
      if left >= 1 { parts.append("\(Self.time(Int(left))) left") }
    }
    var spent = Money.text(totals.costNanos)
    if capNanos > 0 { spent += " of \(Money.text(capNanos))" }
    parts.append(spent)
    for (name, count) in failures.sorted(by: { $0.key < $1.key }) {
      parts.append("\(count) \(name)")
    }
    if !waiting.isEmpty { parts.append("waiting: \(waiting)") }
    return parts.joined(separator: " · ")
  }

  private static func tenths(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  private static func time(_ seconds: Int) -> String {
    seconds < 100 ? "\(seconds) s" : "\((seconds + 30) / 60) min"
  }
}
