import Faults
import GatewayAudit
import GatewayBudgets
import GatewayLedger
import GatewayValues
import LedgerFile
import TestSupport
import Testing

/// The ledger as its callers see it.
@Suite(.timeLimit(.minutes(2))) struct LedgerTests {
  @Test(arguments: [LedgerDurability.power, .process])
  func `a call is held at its bound and settled at its cost`(
    _ durability: LedgerDurability
  ) async throws {
    try await LedgerFixture.with(durability: durability) { fixture in
      try await fixture.budget("all", 1_000)
      let hold = try await fixture.hold(600)
      #expect(try await fixture.standing("all")?.held == NanoDollars(600))
      try fixture.ledger.sent(hold)
      let line = try await fixture.ledger.settle(hold, LedgerFixture.used(150))
      #expect(line.cost == NanoDollars(150) && line.state == .settled && line.standing == .exact)
      let standing = try await fixture.standing("all")
      #expect(standing?.settled == NanoDollars(150) && standing?.held == .zero)
      #expect(standing?.remaining == NanoDollars(850))
    }
  }

  @Test func `a refusal names the budget and what is left of it, and takes nothing`() async throws {
    try await LedgerFixture.with { fixture in
      try await fixture.budget("all", 1_000)
      try await fixture.budget("key", 400, scope: BudgetScope(key: .each), period: .day)
      let first = try await fixture.hold(300, key: "a")
      let order = fixture.order(200, key: "a")
      let admission = try await fixture.ledger.reserve(order, for: fixture.ticket())
      guard case .refused(let refusal) = admission else {
        Issue.record("it was not refused")
        return
      }
      #expect(refusal.standing.budget.text == "key" && refusal.standing.subject == "a")
      #expect(refusal.standing.held == NanoDollars(300))
      #expect(refusal.fault.reason == "BUDGET_EXHAUSTED")
      // Midnight of the 26th in UTC.
      #expect(refusal.fault.facts["window_ends_ms"] == "1795651200000")
      #expect(try await fixture.standing("all")?.held == NanoDollars(300))
      // Another key has a cap of its own, and what is left can be spent to the end.
      let second = try await fixture.hold(400, key: "b")
      let third = try await fixture.hold(100, key: "a")
      #expect(await reason { _ = try await fixture.hold(1, key: "a") } == "BUDGET_EXHAUSTED")
      for hold in [first, second, third] { try await fixture.ledger.void(hold) }
      #expect(try await fixture.standing("all")?.remaining == NanoDollars(1_000))
    }
  }

  @Test func `an end that comes from many at once is one end`() async throws {
    for durability in [LedgerDurability.power, .process] {
      try await LedgerFixture.with(durability: durability) { fixture in
        try await fixture.budget("all", 1_000)
        let hold = try await fixture.hold(500)
        try fixture.ledger.sent(hold)
        try await withThrowingDiscardingTaskGroup { group in
          for _ in 0..<16 {
            group.addTask {
              let line = try await fixture.ledger.settle(hold, LedgerFixture.used(100))
              #expect(line.attempt == hold.id && line.cost == NanoDollars(100))
            }
          }
        }
        let after = try await fixture.pay(0, of: 10)
        #expect(after.cost == .zero && fixture.ledger.fault == nil)
        #expect(try await fixture.standing("all")?.settled == NanoDollars(100))
      }
    }
  }

  @Test func `an end that comes twice is the same end`() async throws {
    try await LedgerFixture.with { fixture in
      try await fixture.budget("all", 1_000)
      let hold = try await fixture.hold(500)
      #expect(
        await reason { try await fixture.ledger.settle(hold, LedgerFixture.used(1)) }
          == "ATTEMPT_STATE")
      try fixture.ledger.sent(hold)
      try fixture.ledger.sent(hold)
      let first = try await fixture.ledger.settle(hold, LedgerFixture.used(100))
      let second = try await fixture.ledger.settle(hold, LedgerFixture.used(400))
      let third = try await fixture.ledger.void(hold)
      #expect(first.attempt == second.attempt && first.cost == NanoDollars(100))
      #expect(second.number > 0 && second.cost == NanoDollars(100))
      #expect(third.number == second.number && third.state == .settled)
      #expect(try await fixture.standing("all")?.settled == NanoDollars(100))
      #expect(try await fixture.audit().problems == [])
    }
  }

  @Test func `what cannot be believed is charged at the bound, and nothing stays nothing`()
    async throws
  {
    try await LedgerFixture.with { fixture in
      try await fixture.budget("all", 100_000)
      let free = try await fixture.pay(0, of: 500)
      #expect(free.cost == .zero && free.standing == .exact)
      let absurd = try await fixture.pay(.max, of: 500)
      #expect(absurd.cost == NanoDollars(500) && absurd.state == .uncertain)
      #expect(absurd.flags.contains(.notCredible))
      let dear = try await fixture.pay(900, of: 500)
      #expect(dear.cost == NanoDollars(900) && dear.flags.contains(.overBound))
      let hold = try await fixture.hold(300)
      try fixture.ledger.sent(hold)
      let estimate = Settlement(.estimated(TokenUsage(freshInput: 30)), .aborted)
      let estimated = try await fixture.ledger.settle(hold, estimate)
      #expect(estimated.standing == .estimated && estimated.cost == NanoDollars(30))
      #expect(fixture.ledger.stats.overBound == 1 && fixture.ledger.stats.notCredible == 1)
      let report = try await fixture.audit()
      #expect(report.problems == [] && report.excess == NanoDollars(400))
    }
  }

  @Test func `a model without a price is not called`() async throws {
    try await LedgerFixture.with { fixture in
      var order = fixture.order(10)
      order.party.model = LedgerFixture.name("unheard-of")
      let ticket = try await fixture.ticket()
      #expect(
        await reason { _ = try await fixture.ledger.reserve(order, for: ticket) }
          == "MODEL_UNPRICED")
    }
  }

  @Test func `a call is settled once for ever, and its reply is there again`() async throws {
    try await LedgerFixture.with { fixture in
      let hash = [UInt8](repeating: 1, count: 32)
      let key = CallKey("call")
      do {
        let ticket = try await fixture.ticket("call")
        let second = try await fixture.ledger.begin(
          LedgerFixture.product, key: key, requestHash: hash)
        guard case .inFlight = second else {
          Issue.record("two make it")
          return
        }
        guard
          case .held(let hold) = try await fixture.ledger.reserve(
            fixture.order(10), for: ticket)
        else { return }
        try fixture.ledger.sent(hold)
        var settlement = LedgerFixture.used(5)
        settlement.endsCall = true
        settlement.reply = [1, 2, 3]
        try await fixture.ledger.settle(hold, settlement)
      }
      let again = try await fixture.ledger.begin(
        LedgerFixture.product, key: key, requestHash: hash)
      guard case .settled(let call) = again else {
        Issue.record("it is not settled")
        return
      }
      #expect(call.reply == [1, 2, 3] && call.line.cost == NanoDollars(5))
      #expect(await reason { _ = try await fixture.ticket("call", hash: 2) } == "CALL_KEY_REUSED")
      let other = try await fixture.ledger.begin(
        LedgerFixture.name("other"), key: key, requestHash: hash)
      guard case .opened = other else {
        Issue.record("another product's key is its own")
        return
      }
    }
  }

  @Test func `a hold that is let go is void, or charged when it was sent`() async throws {
    try await LedgerFixture.with { fixture in
      try await fixture.budget("all", 1_000)
      do {
        _ = try await fixture.hold(100)
        let sent = try await fixture.hold(200)
        try fixture.ledger.sent(sent)
      }
      let standing = try await fixture.standing("all")
      #expect(standing?.held == .zero && standing?.uncertain == NanoDollars(200))
      #expect(fixture.ledger.stats.abandoned == 2)
    }
  }

  @Test func `an uncertain line is corrected by a new one, with evidence`() async throws {
    try await LedgerFixture.with { fixture in
      try await fixture.budget("all", 1_000)
      let hold = try await fixture.hold(400)
      try fixture.ledger.sent(hold)
      try await fixture.ledger.settle(hold, Settlement(.bound, .aborted))
      let line = try await fixture.line(of: hold)
      var filter = LineFilter()
      filter.isUncertainOnly = true
      #expect(try await fixture.ledger.lines(filter).map(\.number) == [line.number])
      let correction = try await fixture.ledger.resolve(
        line: line.number, cost: NanoDollars(120), evidence: "the provider's console")
      #expect(correction.corrects == line.number && correction.kind == .correction)
      let standing = try await fixture.standing("all")
      #expect(standing?.settled == NanoDollars(120) && standing?.uncertain == .zero)
      #expect(try await fixture.ledger.lines(filter) == [])
      let again = await reason {
        _ = try await fixture.ledger.resolve(line: line.number, cost: .zero, evidence: "x")
      }
      #expect(again == "LINE_CORRECTED")
      #expect(try await fixture.audit().problems == [])
    }
  }

  @Test func `a cap is raised, and lowered below what is spent and held it admits nothing`()
    async throws
  {
    try await LedgerFixture.with { fixture in
      try await fixture.budget("all", 1_000)
      try await fixture.pay(300, of: 300)
      #expect(await reason { _ = try await fixture.hold(701) } == "BUDGET_EXHAUSTED")
      try await fixture.budget("all", 2_000)
      let hold = try await fixture.hold(1_700)
      // Nothing is taken back from who holds it.
      try await fixture.budget("all", 500)
      #expect(await reason { _ = try await fixture.hold(1) } == "BUDGET_EXHAUSTED")
      try await fixture.ledger.void(hold)
      #expect(await reason { _ = try await fixture.hold(201) } == "BUDGET_EXHAUSTED")
      try await fixture.pay(0, of: 200)
      try await fixture.budget("all", 300)
      #expect(await reason { _ = try await fixture.hold(1) } == "BUDGET_EXHAUSTED")
      try await fixture.budget("all", 299)
      #expect(await reason { _ = try await fixture.hold(1) } == "BUDGET_EXHAUSTED")
      let standing = try await fixture.standing("all")
      #expect(standing?.settled == NanoDollars(300) && standing?.remaining == .zero)
      #expect(
        await reason { try await fixture.budget("all", 900, period: .day) }
          == "BUDGET_IS_ANOTHER")
      #expect(
        await reason { try await fixture.budget("x", 1, zone: "Mars/Olympus") }
          == "TIME_ZONE_UNKNOWN")
      let history = try await fixture.ledger.history(of: LedgerFixture.name("all"))
      #expect(history.map(\.budget.cap.count) == [1_000, 2_000, 500, 300, 299])
      #expect(try await fixture.audit().problems == [])
      try await fixture.ledger.remove(budget: LedgerFixture.name("all"))
      try await fixture.pay(5_000, of: 5_000)
      #expect(try await fixture.audit().problems == [])
    }
  }

  @Test func `spending is told by whom and when`() async throws {
    try await LedgerFixture.with { fixture in
      for key in ["a", "b", "a"] { try await fixture.pay(10, of: 20, key: key) }
      let rows = try await fixture.ledger.spend(by: .key)
      #expect(rows.map(\.group) == ["a", "b"] && rows.map(\.settled.count) == [20, 10])
      #expect(rows.map(\.attempts) == [2, 1] && rows.map(\.inputTokens) == [20, 10])
      var filter = LineFilter()
      filter.countMax = 2
      let page = try await fixture.ledger.lines(filter)
      filter.after = page.last?.number ?? 0
      #expect(
        try await page + fixture.ledger.lines(filter).map { $0 }
          == fixture.ledger.lines(LineFilter()))
      let days = try await fixture.ledger.spend(by: .day)
      #expect(days.map(\.group) == ["20782"])
    }
  }

  @Test func `keys and products are kept with their history`() async throws {
    try await LedgerFixture.with { fixture in
      let hash = [UInt8](repeating: 9, count: 32)
      var key = LedgerKey(
        hash: hash, name: LedgerFixture.name("k"), product: LedgerFixture.product,
        role: LedgerFixture.name("caller"))
      try await fixture.ledger.set(key)
      key.isRevoked = true
      try await fixture.ledger.set(key, note: ChangeNote(.account, text: "lost"))
      try await fixture.ledger.set(LedgerProduct(name: LedgerFixture.product, limits: [1]))
      #expect(try await fixture.ledger.keys() == [key])
      #expect(try await fixture.ledger.products().map(\.limits) == [[1]])
      #expect(try await fixture.audit().problems == [])
    }
  }

  @Test func `a new day has a new budget`() async throws {
    try await LedgerFixture.with { fixture in
      try await fixture.budget("day", 100, period: .day, zone: "Europe/Berlin")
      try await fixture.pay(100, of: 100)
      #expect(await reason { _ = try await fixture.hold(1) } == "BUDGET_EXHAUSTED")
      // From noon in UTC to midnight in Berlin.
      fixture.clock.advance(11 * 3_600_000 - 1)
      #expect(await reason { _ = try await fixture.hold(1) } == "BUDGET_EXHAUSTED")
      fixture.clock.advance(1)
      try await fixture.pay(100, of: 100)
      #expect(try await fixture.audit().problems == [])
    }
  }
}
