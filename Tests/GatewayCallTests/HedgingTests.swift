import GatewayAudit
import GatewayContract
import GatewayFixtures
import HTTPClient
import JSON
import ScoreContract
import TestSupport
import Testing

/// Calls that are asked twice when they are not answered in time, against the provider's bill.
@Suite(.timeLimit(.minutes(3))) struct HedgingTests {
  /// A gateway whose first key is slow, as the script says, and whose second is not.
  private func with(
    _ hedge: String = "{after: 100ms, budget: 100%}", budget: String = "total: 1000",
    keys: String = "spare: {text: sim-spare}", delay: Int = 3_000,
    _ body: (AccountFixture) async throws -> Void
  ) async throws {
    let models = "claude-haiku-4-5: {hedge: \(hedge)}"
    try await AccountFixture.with(budget: budget, keys: keys, models: models) { fixture in
      try await fixture.gateway.script([slow(delay)])
      try await body(fixture)
    }
  }

  private func slow(_ milliseconds: Int) -> JSONValue {
    [
      "fault": "delay", "match": ["key": "sim-main"],
      "with": ["delay_ms": .number(milliseconds)],
    ]
  }

  private func billed(_ fixture: AccountFixture) async throws -> [BilledCall] {
    try BilledCall.parse(try await fixture.gateway.billBytes(), from: "bill")
  }

  private func hedges(_ fixture: AccountFixture, _ state: String) async throws -> Int {
    let name = "assay_gateway_hedges_total{state=\"\(state)\"} "
    let line = try await fixture.gateway.metrics().first { $0.hasPrefix(name) }
    return line.flatMap { Int($0.dropFirst(name.count)) } ?? 0
  }

  @Test(arguments: [false, true])
  func `the second way answers, and both attempts stand in the ledger`(isStream: Bool) async throws
  {
    try await with { fixture in
      let reply = try await fixture.gateway.message("hedged", isStream: isStream)
      #expect(reply.status == 200, "\(reply.text)")
      #expect(isStream == reply.text.contains("message_stop"))
      if !isStream { #expect(reply.headers["x-assay-attempts"] == "2") }
      let lines = try await fixture.lines(2)
      let won = try #require(lines.first { $0.state == .settled })
      let lost = try #require(lines.first { $0.state == .uncertain })
      #expect(won.outcome == "answered" && won.callKey == lost.callKey)
      // What was sent and given up is charged at its bound until somebody knows better.
      #expect(lost.outcome == "cancelled" && lost.usage?.costNanos == lost.boundNanos)
      // The provider charges for both: it goes on although nobody listens.
      try await eventually("both are billed", on: fixture.gateway.loop) {
        try await fixture.gateway.bill().count == 2
      }
      let report = try fixture.audit(try await billed(fixture))
      #expect(report.problems == [])
      #expect(report.bill?.coversBill == true && report.bill?.equal == 1)
      #expect(try await hedges(fixture, "sent") == 1)
      #expect(try await hedges(fixture, "won") == 1)
    }
  }

  @Test func `one that is answered in time is asked once`() async throws {
    try await with("{after: 30s, budget: 100%}", delay: 20) { fixture in
      let reply = try await fixture.gateway.message("in time")
      #expect(reply.headers["x-assay-attempts"] == "1")
      _ = try await fixture.lines(1)
      #expect(try await fixture.gateway.log().count == 1)
      #expect(try await hedges(fixture, "sent") == 0)
    }
  }

  @Test func `a stream that has begun is never doubled`() async throws {
    try await with("{after: 1s, budget: 100%}") { fixture in
      // It begins at once, and ends long after.
      try await fixture.gateway.control(
        "/control/script", ["rules": [], "latency": ["per_token_ms": 100]])
      let reply = try await fixture.gateway.message("drips", most: 60, isStream: true)
      #expect(reply.text.contains("message_stop"))
      _ = try await fixture.lines(1)
      #expect(try await fixture.gateway.log().count == 1)
    }
  }

  @Test(arguments: [("x-assay-failover", "forbidden"), ("x-assay-max-retries", "0")])
  func `nobody is doubled who would not be asked again elsewhere`(
    name: String, value: String
  ) async throws {
    try await with(delay: 400) { fixture in
      let reply = try await fixture.gateway.message("mine", headers: [(name, value)])
      #expect(reply.status == 200 && reply.headers["x-assay-attempts"] == "1")
      _ = try await fixture.lines(1)
      #expect(try await fixture.gateway.log().count == 1)
    }
  }

  @Test func `a budget that cannot hold both holds one, and its cap holds`() async throws {
    try await with(delay: 500) { fixture in
      try await fixture.gateway.script([])
      let first = try await fixture.gateway.message("rich")
      let bound = try #require(try await fixture.lines(1).first).boundNanos
      let cap = first.cost + bound * 3 / 2
      _ = try await fixture.budget(BudgetScope(product: "demo"), cap: cap)
      try await fixture.gateway.script([slow(500)])
      let reply = try await fixture.gateway.message("poor")
      #expect(reply.status == 200 && reply.headers["x-assay-attempts"] == "1", "\(reply.text)")
      #expect(try await fixture.lines(2).allSatisfy { $0.boundNanos == bound })
      #expect(try await hedges(fixture, "declined") == 1)
      #expect(try await fixture.gateway.log().count == 2)
      #expect(try fixture.audit(try await billed(fixture)).problems == [])
    }
  }

  @Test func `a way without room is not waited for`() async throws {
    let full = "spare: {text: sim-spare, requests_per_minute: 1}"
    try await with(keys: full, delay: 500) { fixture in
      let first = try await fixture.gateway.message("one")
      #expect(first.headers["x-assay-attempts"] == "2")
      let second = try await fixture.gateway.message("two")
      #expect(second.status == 200 && second.headers["x-assay-attempts"] == "1")
      #expect(try await hedges(fixture, "declined") == 1)
    }
  }

  @Test func `no more calls are doubled than their part`() async throws {
    try await with("{after: 20ms, budget: 10%}", delay: 80) { fixture in
      for index in 0..<30 {
        #expect(try await fixture.gateway.message("call \(index)").status == 200)
      }
      #expect(try await hedges(fixture, "sent") == 3)
      _ = try await fixture.lines(33)
    }
  }

  @Test func `how long is too long is learnt from the answers before`() async throws {
    try await with("{after: 90%, budget: 100%}") { fixture in
      try await fixture.gateway.script([])
      for index in 0..<20 { _ = try await fixture.gateway.message("quick \(index)") }
      #expect(try await hedges(fixture, "sent") == 0)
      try await fixture.gateway.script([slow(3_000)])
      let reply = try await fixture.gateway.message("slow")
      #expect(reply.headers["x-assay-attempts"] == "2")
      #expect(try await hedges(fixture, "sent") == 1)
    }
  }

  @Test func `when the second fails, the first is waited for`() async throws {
    try await with { fixture in
      try await fixture.gateway.script([
        slow(600), ["fault": "server-error", "match": ["key": "sim-spare"]],
      ])
      let reply = try await fixture.gateway.message("alone")
      #expect(reply.status == 200 && reply.headers["x-assay-attempts"] == "2", "\(reply.text)")
      let lines = try await fixture.lines(2)
      #expect(Set(lines.map(\.state)) == [.settled, .void])
      let report = try fixture.audit(try await billed(fixture))
      #expect(report.problems == [] && report.bill?.equal == 1)
    }
  }
}
