import GatewayLimits
import GatewayPacing
import TestSupport
import Testing

@Suite struct DeskFaultTests {
  /// A provider that says no while it is told to, and calls that come back as their plan says.
  private struct Upstream {
    var desk: AdmissionDesk
    var budget = RetryBudget(.init())
    var random: SeededRandom
    var plans: [UInt64: RetryPlan] = [:]
    var inFlight: [(endsAt: Double, ticket: Ticket, outcome: CallOutcome)] = []
    var again: [(at: MonotonicInstant, id: UInt64)] = []
    var attempts = 0
    var succeeded = 0
    var givenUp = 0
    var rateLimitedAt: [Double] = []
    /// What an attempt that leaves at a time comes to.
    var answer: (Double, inout SeededRandom) -> (CallOutcome, lasts: Double)

    mutating func ask(_ id: UInt64, at now: Double) {
      if plans[id] == nil {
        plans[id] = RetryPlan(.init())
        budget.called()
      }
      switch desk.ask(call(id), at: GatewayLimitsTests.at(now)) {
      case .admitted(let ticket): leave(ticket, at: now)
      case .waiting: break
      case .refused: givenUp += 1
      }
    }

    mutating func leave(_ ticket: Ticket, at now: Double) {
      attempts += 1
      let (outcome, lasts) = answer(now, &random)
      inFlight.append((now + lasts, ticket, outcome))
    }

    /// Everything up to `end`, in steps of a hundredth of a second.
    mutating func step(at now: Double) {
      let ended = inFlight.filter { $0.endsAt <= now }
      inFlight.removeAll { $0.endsAt <= now }
      for (_, ticket, outcome) in ended {
        _ = desk.settle(
          ticket, Settlement(outcome, usage: .zero), at: GatewayLimitsTests.at(now), using: &random)
        if outcome == .succeeded { succeeded += 1 }
        if case .rateLimited = outcome { rateLimitedAt.append(now) }
        guard outcome != .succeeded, var plan = plans[ticket.id] else { continue }
        let decision = plan.next(
          after: outcome, at: GatewayLimitsTests.at(now), deadline: nil, budget: &budget,
          using: &random)
        plans[ticket.id] = plan
        if case .retry(let when) = decision {
          again.append((when, ticket.id))
        } else {
          givenUp += 1
        }
      }
      let due = again.filter { $0.at <= GatewayLimitsTests.at(now) }
      again.removeAll { $0.at <= GatewayLimitsTests.at(now) }
      for (_, id) in due { ask(id, at: now) }
      for released in desk.next(at: GatewayLimitsTests.at(now)) {
        if let ticket = released.ticket { leave(ticket, at: now) } else { givenUp += 1 }
      }
    }
  }

  @Test func `attempts stay within a tenth more than calls when a tenth fails`() throws {
    var random = SeededRandom("attempts")
    for _ in 0..<5 {
      var upstream = Upstream(
        desk: try AdmissionDesk(oneRoute()), random: SeededRandom(seed: random.next())
      ) { _, random in
        (Double.random(in: 0...1, using: &random) < 0.1 ? .broken : .succeeded, lasts: 0.3)
      }
      for step in 0..<8_000 {
        let now = Double(step) / 100
        if step % 2 == 0, step < 6_000 { upstream.ask(UInt64(step / 2 + 1), at: now) }
        upstream.step(at: now)
      }
      #expect(Double(upstream.attempts) <= 1.1 * 3_000 + 10 * 2)
      #expect(upstream.succeeded + upstream.givenUp == 3_000)
      #expect(upstream.succeeded > 2_900)
    }
  }

  @Test func `retries end when everything fails`() throws {
    var upstream = Upstream(desk: try AdmissionDesk(oneRoute()), random: SeededRandom(seed: 3)) {
      _, _ in (.broken, lasts: 0.1)
    }
    for step in 0..<12_000 {
      if step % 4 == 0, step < 8_000 { upstream.ask(UInt64(step / 4 + 1), at: Double(step) / 100) }
      upstream.step(at: Double(step) / 100)
    }
    #expect(Double(upstream.attempts) <= 1.1 * 2_000 + 10 * 3)
    // The breaker stands in front of nearly all of it.
    #expect(upstream.attempts < 200)
  }

  @Test(arguments: [true, false])
  func `a storm of 429 becomes one for each time that the bucket opens`(_ saysWhen: Bool) throws {
    var upstream = Upstream(
      desk: try AdmissionDesk(oneRoute(concurrency: .init())), random: SeededRandom(seed: 5)
    ) { now, _ in
      guard now >= 20, now < 80 else { return (.succeeded, lasts: 0.5) }
      // Every tenth second it opens for nobody, so that a gate of five seconds is too short.
      return (.rateLimited(retryAfter: saysWhen ? .seconds(5) : nil), lasts: 0.05)
    }
    for step in 0..<15_000 {
      let now = Double(step) / 100
      if step % 10 == 0, step < 10_000 { upstream.ask(UInt64(step / 10 + 1), at: now) }
      upstream.step(at: now)
    }
    // The first finds as many on their way as left within its 50 ms; each later one is alone.
    let first = try #require(upstream.rateLimitedAt.first)
    let storm = upstream.rateLimitedAt.filter { $0 < first + 0.06 }
    #expect(storm.count <= 3)
    let later = upstream.rateLimitedAt.dropFirst(storm.count)
    #expect(zip(later, later.dropFirst()).allSatisfy { $1 - $0 >= (saysWhen ? 5 : 0.1) })
    if saysWhen { #expect((later.count - 12).magnitude <= 1) } else { #expect(later.count < 30) }
    #expect(upstream.succeeded == 1_000 && upstream.givenUp == 0)
  }

  @Test func `an open breaker leaves other providers alone and closes again`() throws {
    var desk = try AdmissionDesk(twoRoutes())
    var random = SeededRandom(seed: 11)
    for id in UInt64(1)...5 {
      let ticket = try #require(desk.ask(call(id, routes: ["a"]), at: at(0.1)).ticket)
      check(desk.settle(ticket, Settlement(.broken, usage: .zero), at: at(0.2), using: &random))
    }
    let both = ["a", "b"]
    #expect(desk.ask(call(10, routes: both), at: at(0.3)).ticket?.route == "b")
    #expect(
      desk.ask(call(11, routes: ["a"], startBy: at(1)), at: at(0.3)).refusal?.reason
        == .noRoute(.breakerOpen))
    #expect(desk.ask(call(12, routes: ["a"]), at: at(0.3)).place?.reason == .breakerOpen)
    #expect(desk.ask(call(13, routes: ["a"]), at: at(0.3)).place != nil)
    // One tries; the other waits until it is answered.
    let probe = try #require(desk.next(at: at(1.2)).first?.ticket)
    #expect(probe.id == 12 && desk.explain(13, at: at(1.2))?.ways.first?.reason == .probing)
    check(desk.answered(probe, at: at(1.3)))
    check(desk.next(at: at(1.3)).compactMap(\.ticket).map(\.id) == [13])
    check(desk.settle(probe, Settlement(.succeeded, usage: .zero), at: at(2), using: &random))
  }

  @Test func `a gate opens with the first byte of one answer, not with its end`() throws {
    var desk = try AdmissionDesk(oneRoute())
    var random = SeededRandom(seed: 12)
    let first = try #require(desk.ask(call(1), at: at(0)).ticket)
    let limited = Settlement(.rateLimited(retryAfter: .seconds(10)), usage: .zero)
    check(desk.settle(first, limited, at: at(1), using: &random))
    for id in UInt64(2)...4 {
      #expect(desk.ask(call(id), at: at(1)).place?.reason == .retryAfter)
    }
    check(desk.next(at: at(10.9)).isEmpty)
    let probe = try #require(desk.next(at: at(11)).first?.ticket)
    check(desk.next(at: at(12)).isEmpty)
    check(desk.answered(probe, at: at(13)))
    check(desk.next(at: at(13)).count == 2)
  }
}
