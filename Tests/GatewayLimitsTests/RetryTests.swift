import GatewayLimits
import GatewayPacing
import TestSupport
import Testing

@Suite struct RetryTests {
  private func broken(_ plan: inout RetryPlan, _ budget: inout RetryBudget) -> RetryPlan.Decision {
    var random = SeededRandom(seed: 1)
    return plan.next(
      after: .broken, at: at(0), deadline: nil, budget: &budget, using: &random)
  }

  @Test(arguments: [0, 1, 4])
  func `so many retries as allowed, and none means none`(_ most: Int) {
    var plan = RetryPlan(.init(retriesMax: most))
    var budget = RetryBudget(.init(floor: 100))
    for _ in 0..<most {
      guard case .retry = broken(&plan, &budget) else {
        Issue.record("gave up early")
        return
      }
    }
    check(broken(&plan, &budget) == .giveUp(.attemptsUsedUp))
    #expect(plan.retries == most)
  }

  @Test func `no retries also means none of a 429`() {
    var plan = RetryPlan(.init(retriesMax: 0))
    var budget = RetryBudget(.init())
    var random = SeededRandom(seed: 1)
    let decision = plan.next(
      after: .rateLimited(retryAfter: .seconds(1)), at: at(0), deadline: nil, budget: &budget,
      using: &random)
    #expect(decision == .giveUp(.attemptsUsedUp))
  }

  @Test func `what asking again would not change is not asked again`() {
    var budget = RetryBudget(.init())
    var random = SeededRandom(seed: 1)
    let final: [CallOutcome] = [
      .succeeded, .rejected, .unauthorized, .quotaExhausted(until: nil), .abandoned,
    ]
    for outcome in final {
      var plan = RetryPlan(.init())
      check(
        plan.next(after: outcome, at: at(0), deadline: nil, budget: &budget, using: &random)
          == .giveUp(.final))
    }
  }

  @Test func `a retry waits as told, with full jitter, and never past the deadline`() {
    var random = SeededRandom("retry")
    for _ in 0..<2_000 {
      var plan = RetryPlan(.init(retriesMax: 10))
      var budget = RetryBudget(.init(floor: 100))
      let end = Double.random(in: 0...60, using: &random)
      let lasting = Duration.seconds(Int.random(in: 0...5, using: &random))
      let wait = Int.random(in: 0...40, using: &random)
      let outcome: CallOutcome =
        Bool.random(using: &random)
        ? .rateLimited(retryAfter: .seconds(wait)) : .overloaded(retryAfter: .seconds(wait))
      let decision = plan.next(
        after: outcome, at: at(0), deadline: (at(end), lasting), budget: &budget, using: &random)
      switch decision {
      case .retry(let when):
        #expect(when >= at(Double(wait)) && when + lasting <= at(end))
      case .giveUp(let reason):
        #expect(reason == .deadline)
        #expect(at(Double(wait) + 0.5) + lasting >= at(end))
      }
    }
  }

  @Test func `another way is taken at once, and counted like any retry`() {
    var random = SeededRandom(seed: 3)
    var plan = RetryPlan(.init(retriesMax: 2))
    var budget = RetryBudget(.init(floor: 1))
    let limited = CallOutcome.rateLimited(retryAfter: .seconds(3_600))
    // Far beyond the deadline here, and far beyond what anybody waits for.
    let end = (at(1), Duration.zero)
    let elsewhere = plan.elsewhere(after: limited, at: at(0), deadline: end, budget: &budget)
    #expect(elsewhere == .retry(at: at(0)) && plan.retries == 0)
    let here = plan.next(
      after: limited, at: at(0), deadline: end, budget: &budget, using: &random)
    #expect(here == .giveUp(.retryAfterTooLong))
    check(
      plan.elsewhere(after: .broken, at: at(0), deadline: end, budget: &budget)
        == .retry(at: at(0)))
    #expect(plan.retries == 1)
    check(
      plan.elsewhere(after: .broken, at: at(0), deadline: end, budget: &budget)
        == .giveUp(.budgetUsedUp))
    check(
      plan.elsewhere(after: .rejected, at: at(0), deadline: end, budget: &budget)
        == .giveUp(.final))
    var never = RetryPlan(.init(retriesMax: 0))
    check(
      never.elsewhere(after: limited, at: at(0), deadline: nil, budget: &budget)
        == .giveUp(.attemptsUsedUp))
  }

  @Test func `a refused retry costs no budget`() {
    var plan = RetryPlan(.init(retriesMax: 3))
    var budget = RetryBudget(.init(floor: 1))
    var random = SeededRandom(seed: 2)
    let late = plan.next(
      after: .broken, at: at(0), deadline: (at(0), .seconds(1)), budget: &budget, using: &random)
    #expect(late == .giveUp(.deadline))
    check(budget.spend(at: at(0)))
    check(broken(&plan, &budget) == .giveUp(.budgetUsedUp))
    #expect(budget.nextAt(at(10)) == at(60))
  }
}
