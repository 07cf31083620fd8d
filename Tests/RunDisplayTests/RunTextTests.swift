import RunDisplay
import ScoreContract
import Testing

@Suite struct RunTextTests {
  @Test func `states are words, and words are states`() {
    #expect(RunText.name(of: RunState.timedOut) == "timed out")
    for word in ["timed out", "timed-out", "TIMED_OUT", "TimedOut"] {
      #expect(RunText.state(named: word) == .timedOut)
    }
    #expect(RunText.state(named: "nonsense") == nil)
    #expect(RunText.state(named: "") == nil)
  }

  @Test func `values are what they say, and absent is not 0`() {
    #expect(RunText.text(of: Value(kind: .number(7))) == "7")
    #expect(RunText.text(of: Value(kind: .number(7.25))) == "7.25")
    #expect(RunText.text(of: Value(kind: .number(1e300))) == "1e+300")
    #expect(RunText.text(of: Value(kind: .truth(.unknown))) == "unknown")
    #expect(RunText.text(of: nil) == "–")
    #expect(RunText.text(of: Value()) == "–")
  }

  @Test func `runs are a table that anybody can read`() {
    let run = Run(
      id: "r-1", workload: "echo", state: .partial, reason: "budget",
      totals: RunTotals(planned: 10, succeeded: 6, skipped: 4, attempts: 2, costNanos: 5_000_000),
      createdAtUs: 0, updatedAtUs: 130_000_000)
    #expect(
      RunText.table([run]) == [
        "RUN  WORKLOAD  STATE             SETTLED  CALLS     COST  AGE",
        "r-1  echo      partial (budget)    10/10      2  $0.0050  2 min",
      ])
  }

  @Test func `what a model says cannot steer a terminal`() {
    let verdict = Verdict(
      unitId: "u", model: "m", value: Value(kind: .number(1)), reasoning: "\u{1B}[2Jgone")
    #expect(RunText.table([verdict])[1].contains("\u{1B}") == false)
  }
}
