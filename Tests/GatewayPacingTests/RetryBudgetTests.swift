import GatewayPacing
import TestSupport
import Testing

@Suite struct RetryBudgetTests {
  @Test func `retries stay within a tenth of all calls and the floor`() {
    var random = SeededRandom("budget")
    for _ in 0..<200 {
      var budget = RetryBudget(.init(floor: 5))
      let errors = Double.random(in: 0...1, using: &random)
      var (calls, retries, now) = (0, 0, 0.0)
      for _ in 0..<3_000 {
        now += Double.random(in: 0...0.2, using: &random)
        calls += 1
        budget.called()
        while Double.random(in: 0...1, using: &random) < errors, budget.spend(at: at(now)) {
          retries += 1
        }
        #expect(Double(retries) <= 0.1 * Double(calls) + 5 * (1 + now / 60))
      }
    }
  }
}
