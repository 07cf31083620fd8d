import Faults
import RunEngine
import Testing

@Suite struct FailureTableTests {
  @Test func `every code has a row`() {
    for code in Fault.Code.allCases { #expect(FailureTable.byCode[code] != nil, "\(code.name)") }
  }

  @Test func `a reason comes before its code`() {
    let uncertain = FailureTable.row(for: Fault(.aborted, reason: "CALL_UNCERTAIN", ""))
    #expect(uncertain.action == .lost)
    let budget = FailureTable.row(for: Fault(.resourceExhausted, reason: "BUDGET_EXHAUSTED", ""))
    #expect(budget.action == .budget)
    let full = FailureTable.row(for: Fault(.resourceExhausted, reason: "TOO_MANY_CALLS", ""))
    #expect(full.action == .wait)
    let none = FailureTable.row(for: Fault(.failedPrecondition, reason: "NO_PROVIDER", ""))
    #expect(none.action == .fatal)
  }

  @Test func `a channel that breaks may have carried the call`() {
    for reason in ["UNREACHABLE", "CONNECTION_LOST", "DEADLINE", "STREAM_RESET"] {
      for code in [Fault.Code.unavailable, .deadlineExceeded, .cancelled, .internal, .unknown] {
        #expect(FailureTable.row(for: Fault(code, reason: reason, "")).isAmbiguous)
      }
    }
  }

  @Test func `backoff is the same for the same call and bounded for all`() {
    var spread: Set<Int64> = []
    for number in 1...40 {
      for name in 0..<20 {
        let delay = Backoff.delayMs(try: number, of: "call \(name)", first: 500, most: 30_000)
        #expect(delay == Backoff.delayMs(try: number, of: "call \(name)", first: 500, most: 30_000))
        #expect((1...min(30_000, 500 << min(Int64(number - 1), 30))).contains(delay))
        spread.insert(delay)
      }
    }
    #expect(spread.count > 600)
  }
}
