import GatewayLimits
import GatewayPacing
import TestSupport
import Testing

@Suite struct BucketGateTests {
  private let policy = BucketPolicy(law: .anthropic)

  @Test func `a gate never shortens`() {
    var gate = BucketGate()
    gate.close(until: at(30))
    gate.close(until: at(10))
    #expect(gate.state(at: at(29)) == .closed(until: at(30)))
    #expect(gate.state(at: at(30)) == .probing(isTried: false))
  }

  @Test func `a quota stays shut until its date or the operator's word`() {
    var gate = BucketGate()
    gate.shut(for: .quotaExhausted, until: at(86_400))
    gate.shut(for: .quotaExhausted, until: at(60))
    gate.close(until: at(1))
    #expect(gate.state(at: at(86_399)) == .shut(.quotaExhausted, until: at(86_400)))
    #expect(gate.state(at: at(86_400)) == .probing(isTried: false))
    gate.shut(for: .quotaExhausted, until: nil)
    #expect(gate.state(at: at(1e9)) == .shut(.quotaExhausted, until: nil))
    gate.reopen()
    #expect(gate.state(at: at(1e9)) == .open)
  }

  @Test func `answers of one storm close it once, and each further 429 for longer`() {
    var random = SeededRandom("gate")
    for _ in 0..<200 {
      var gate = BucketGate()
      var now = at(0)
      for strike in 0..<10 {
        check(gate.closeWithBackoff(policy, at: now, using: &random))
        guard case .closed(let end) = gate.state(at: now) else {
          Issue.record("not closed")
          return
        }
        for _ in 0..<20 { check(!gate.closeWithBackoff(policy, at: now, using: &random)) }
        #expect(gate.state(at: now) == .closed(until: end))
        let wait = end.seconds - now.seconds
        #expect(wait >= 0.099 && wait <= min(60, Double(1 << strike)) + 0.001)
        now = end
      }
    }
  }
}
