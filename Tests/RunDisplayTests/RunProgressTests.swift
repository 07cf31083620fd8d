import JSON
import RunDisplay
import ScoreContract
import Testing

/// The log of a run as lines, without a terminal.
@Suite struct RunProgressTests {
  private func event(_ seq: Int64, _ kind: Fact.Kind) -> Event {
    Event(seq: seq, atUs: seq * 1000, fact: Fact(kind: kind))
  }

  private func unit(_ seq: Int64, _ state: UnitState, _ failure: Failure? = nil) -> Event {
    event(seq, .unit(UnitChange(unitId: "u\(seq)", state: state, failure: failure)))
  }

  private var log: [Event] {
    [
      event(1, .run(RunChange(state: .pending))),
      event(2, .run(RunChange(state: .running))),
      event(3, .planned(UnitsPlanned(firstOrdinal: 0, count: 4))),
      event(4, .attempt(AttemptChange(state: .settled, usage: Usage(costNanos: 2_000_000)))),
      unit(5, .succeeded), unit(6, .succeeded),
      event(7, .attempt(AttemptChange(state: .attemptLost, usage: Usage(costNanos: 1_000_000)))),
      unit(8, .unitFailed, Failure(reason: .outOfRange)), unit(9, .skipped),
      event(
        10,
        .run(
          RunChange(
            state: .partial, reason: "units_failed",
            totals: RunTotals(
              planned: 4, succeeded: 2, failed: 1, skipped: 1, attempts: 2, lostAttempts: 1,
              costNanos: 3_000_000)))),
    ]
  }

  @Test func `off a terminal there is a line a tenth, and one at the end`() {
    var progress = RunProgress(.plain, runID: "r-1")
    let lines = log.flatMap { progress.take($0) }
    #expect(
      lines == [
        .line("r-1  running"), .line("r-1  1/4  $0.0020"), .line("r-1  2/4  $0.0020"),
        .line("r-1  3/4  $0.0030"),
        .line(
          "r-1  partial (units_failed)  2 scored, 1 skipped, 1 failed, 2 calls, 1 of them lost, "
            + "$0.0030"),
      ])
    #expect(progress.hasEnded && progress.lastSeq == 10)
  }

  @Test func `on a terminal one line says how far, how fast, how much and what went wrong`() {
    var progress = RunProgress(.live, runID: "r-1", capNanos: 1_000_000_000)
    for event in log.prefix(3) { #expect(progress.take(event).isEmpty) }
    #expect(progress.liveLine(at: .zero) == "r-1  running · 0/4 · $0 of $1.00")
    for event in log.dropFirst(3).prefix(5) { #expect(progress.take(event).isEmpty) }
    #expect(
      progress.liveLine(at: .seconds(1))
        == "r-1  running · 3/4 · 3.0/s · $0.0030 of $1.00 · 1 out of range")
    _ = progress.take(event(9, .note(Note(code: "RATE", text: "the provider asks to wait 12 s"))))
    #expect(progress.liveLine(at: .seconds(1)).hasSuffix("waiting: the provider asks to wait 12 s"))
  }

  @Test func `what a person asks is said`() {
    var progress = RunProgress(.plain, runID: "r-1")
    _ = progress.take(event(1, .run(RunChange(state: .running))))
    #expect(
      progress.take(event(2, .run(RunChange(state: .running, requested: .cancel))))
        == [.line("r-1  asked to cancel")])
  }

  @Test func `as JSON every entry is an object with its sequence`() {
    var progress = RunProgress(.json, runID: "r-1")
    let values = log.flatMap { progress.take($0) }.map { output -> JSONValue in
      guard case .json(let value) = output else { return .null }
      return value
    }
    #expect(values.map { $0["seq"]?.stringValue } == (1...10).map { "\($0)" })
    #expect(values[9]["fact"]?["run"]?["state"]?.stringValue == "PARTIAL")
    #expect(progress.hasEnded)
  }
}
