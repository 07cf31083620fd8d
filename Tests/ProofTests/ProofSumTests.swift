import GatewayStandIn
import Proof
import ScoreContract
import Testing

/// That the proof sees what it is there to see: each kind of damage, made up, is found.
@Suite struct ProofSumTests {
  private func event(_ seq: Int64, _ kind: Fact.Kind) -> Event {
    Event(seq: seq, fact: Fact(kind: kind))
  }

  private func verdict(_ seq: Int64, _ unit: String, _ score: Double) -> Event {
    event(
      seq,
      .unit(
        UnitChange(
          unitId: unit, state: .succeeded, verdict: Verdict(value: Value(kind: .number(score))))))
  }

  private func run(_ id: String, _ events: [Event]) -> ProofRun {
    var run = ProofRun(spec: 0)
    run.id = id
    for event in events { run.take(event) }
    return run
  }

  private var log: [Event] {
    [
      event(1, .run(RunChange(state: .running))), verdict(2, "a", 1), verdict(3, "b", 2),
      event(4, .run(RunChange(state: .completed))),
    ]
  }

  private func payments(_ runID: String, _ contents: [String]) -> [Payment] {
    contents.enumerated().map {
      Payment(callKey: "\(runID)-\($0)", runID: runID, content: $1, costNanos: 1)
    }
  }

  private func report(
    _ events: [Event], seen: [Event]? = nil, paid: [String] = ["x", "y"]
  ) -> ProofReport {
    let sum = ProofSum(
      references: [run("ref", log)], payments: payments("ref", ["x", "y"]) + payments("r", paid))
    return sum.report(on: [run("r", seen ?? events)], replays: [run("r", events)])
  }

  @Test func `a run like the undisturbed one proves it`() {
    let report = report(log)
    #expect(report.isProven)
    #expect(report.units == 2 && report.payments == 4 && report.events == 4)
  }

  @Test func `a lost unit is found`() {
    var events = log
    events[2] = event(3, .note(Note()))
    #expect(report(events).lost == 1)
  }

  @Test func `a doubled unit is found`() {
    var events = log
    events.insert(verdict(4, "a", 1), at: 3)
    events[4] = event(5, .run(RunChange(state: .completed)))
    #expect(report(events).doubled > 0)
  }

  @Test func `another value is found`() {
    var events = log
    events[1] = verdict(2, "a", 99)
    #expect(report(events).differing == 1)
  }

  @Test func `a gap, no end and two ends are found`() {
    var gap = log
    gap.remove(at: 1)
    #expect(report(gap).brokenLogs == 1)
    #expect(report(Array(log.dropLast())).brokenLogs == 1)
    #expect(report(log + [event(5, .run(RunChange(state: .completed)))]).brokenLogs == 1)
  }

  @Test func `a watcher who saw less than was kept is found`() {
    #expect(!report(log, seen: Array(log.dropLast())).isProven)
  }

  @Test func `a payment too many, one too few and a key paid twice are found`() {
    #expect(report(log, paid: ["x", "y", "x"]).secondPayments == 1)
    #expect(!report(log, paid: ["x"]).isProven)
    let sum = ProofSum(
      references: [run("ref", log)],
      payments: payments("ref", ["x"]) + payments("ref", ["x"]))
    #expect(sum.report(on: [], replays: []).secondPayments == 1)
  }

  @Test func `what comes again behind a broken stream is no doubled unit`() {
    let report = report(log, seen: Array(log.prefix(3) + log.dropFirst(1)))
    #expect(report.isProven)
  }
}
