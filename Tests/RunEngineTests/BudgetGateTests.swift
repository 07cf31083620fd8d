import RunEngine
import TestSupport
import Testing

@Suite struct BudgetGateTests {
  @Test func `what may be spent is never above the cap, in any order`() {
    var random = SeededRandom("budget")
    for _ in 0..<200 {
      let cap = Int64.random(in: 1...500, using: &random)
      var gate = BudgetGate(capNanos: cap, spentNanos: 0)
      var held: [String: Int64] = [:]
      for step in 0..<200 {
        if Bool.random(using: &random) {
          let bound = Int64.random(in: 0...80, using: &random)
          if gate.hold(bound, for: "\(step)") { held["\(step)"] = bound }
        } else if let call = held.keys.sorted().randomElement(using: &random) {
          let bound = held.removeValue(forKey: call) ?? 0
          if Bool.random(using: &random) {
            gate.settle(call, costNanos: Int64.random(in: 0...bound, using: &random))
          } else {
            gate.release(call)
          }
        }
        #expect(gate.exposureNanos <= cap)
        #expect(gate.heldNanos == held.values.reduce(0, +))
      }
    }
  }

  @Test func `no cap admits all, and a call holds once`() {
    var gate = BudgetGate(capNanos: 0, spentNanos: .max)
    #expect(gate.admits(.max))
    gate = BudgetGate(capNanos: 10, spentNanos: 0)
    #expect(gate.hold(10, for: "a") && gate.hold(10, for: "a") && !gate.hold(1, for: "b"))
    gate.release("a")
    #expect(gate.hold(1, for: "b") && gate.exposureNanos == 1)
  }

  @Test func `a bound beyond all numbers is refused`() {
    let gate = BudgetGate(capNanos: .max, spentNanos: 5)
    #expect(!gate.admits(.max))
  }
}
