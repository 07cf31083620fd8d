import GatewayAudit
import GatewayContract
import GatewayFixtures
import GatewayValues
import Glibc
import JSON
import RPC
import ScoreContract
import TestSupport
import Testing

/// What users of gateways complain of, by number: budgets that overspend, leak or are not there.
///
/// The list of 25 goes on in the other suites of this folder.
@Suite(.timeLimit(.minutes(3))) struct ComplaintsOfMoneyTests {
  private typealias Fixture = AccountFixture

  private static let demo = BudgetScope(product: "demo")

  private func mesh(_ text: String, batchBy deadline: Int64? = nil) -> GenerateRequest {
    var request = GenerateRequest(
      callKey: text, model: "claude-haiku-4-5", blocks: [Block(role: .user, text: text)],
      outputTokensMax: 50)
    if let deadline {
      request.policy = CallPolicy()
      request.policy?.batchDeadlineMs = deadline
    }
    return request
  }

  private func standing(_ fixture: Fixture) async throws -> Budget {
    try #require(
      try await fixture.account.listBudgets(ListBudgetsRequest(scope: Self.demo)).budgets.first)
  }

  @Test func `complaint 1: parallel calls of one session never pass its cap, first or not`()
    async throws
  {
    try await Fixture.with { fixture in
      let cap: Int64 = 6_000_000
      let each = BudgetScope(product: "demo", runId: "*")
      _ = try await fixture.budget(each, cap: cap)
      try await fixture.gateway.script([["fault": "delay", "with": ["delay_ms": 30]]])
      // Nobody knows a session before its first calls come, all at once.
      let sessions = 6
      let gateway = fixture.gateway
      let replies = try await gateway.together(sessions * 16) { index in
        let session = "session-\(index % sessions)"
        return try await gateway.message(
          "\(session) \(index)", most: 400, isStream: index % 4 == 0,
          headers: [("x-assay-run", session), ("x-assay-call-key", "\(session)/\(index)")])
      }
      let refused = replies.filter { $0.status != 200 }
      #expect(refused.allSatisfy { $0.status == 402 && $0.reason == "BUDGET_EXHAUSTED" })
      let bill = try await gateway.bill().values
      for session in (0..<sessions).map({ "session-\($0)" }) {
        let own = bill.filter { $0.callKey.hasPrefix("\(session)/") }
        #expect((1..<16).contains(own.count), "\(session): \(own.count) calls")
        #expect(own.reduce(0) { $0 + $1.cost } <= cap)
      }
      let budgets = try await fixture.account.listBudgets(ListBudgetsRequest(scope: each)).budgets
      #expect(budgets.count == sessions)
      #expect(budgets.allSatisfy { $0.heldNanos == 0 && $0.settledNanos <= cap })
      #expect(budgets.reduce(0) { $0 + $1.settledNanos } == bill.reduce(0) { $0 + $1.cost })
    }
  }

  @Test func `complaint 2: no door, no dialect and no restart is a way around a limit`()
    async throws
  {
    try await Fixture.with { fixture in
      _ = try await fixture.budget(Self.demo, cap: 1)
      try await fixture.restarted(["ASSAY_GATEWAY_BATCH_GATHER": "50ms"]) { fixture, _ in
        let gateway = fixture.gateway
        for dialect in DialectCall.allCases {
          for isStream in [false, true] {
            let reply = try await gateway.ask(dialect, "x", isStream: isStream)
            #expect(reply.status == 402 && reply.reason == "BUDGET_EXHAUSTED", "\(reply.text)")
            #expect(dialect.error(reply.json).message?.contains("demo/total") == true)
          }
        }
        let item: JSONValue = ["custom_id": "a", "params": DialectCall.messages.body("x")]
        let batch = try await gateway.ask("/v1/messages/batches", ["requests": [item]])
        #expect(batch.reason == "BUDGET_EXHAUSTED", "\(batch.text)")
        #expect(try await gateway.openAIBatch(1).reason == "BUDGET_EXHAUSTED")
        let own = Fixture.product("demo")
        let inAnHour = WallClock.milliseconds + 3_600_000
        let reasons = [
          await fixture.reason { _ = try await fixture.calls.generate(mesh("m"), options: own) },
          await fixture.reason {
            for try await _ in fixture.calls.generateStream(mesh("s"), options: own) {}
          },
          await fixture.reason {
            _ = try await fixture.calls.generate(mesh("b", batchBy: inAnHour), options: own)
          },
        ]
        #expect(reasons == Array(repeating: "BUDGET_EXHAUSTED", count: 3))
        // A path that is only passed on does not exist.
        for path in ["/v1/embeddings", "/v1/complete", "/v1/completions", "/anything"] {
          #expect(try await gateway.ask(path, [:]).reason == "UNKNOWN_PATH")
        }
        #expect(try await gateway.log().isEmpty)
      }
    }
  }

  @Test func `complaint 3: what is held is spent, freed or charged, and never leaks`()
    async throws
  {
    let cap: Int64 = 40_000_000
    try await Fixture.with(budget: "total: 0.04", limits: "concurrency: 4") { fixture in
      let gateway = fixture.gateway
      func fails(_ fault: String, _ count: Int, isStream: Bool = false) async throws {
        try await gateway.script([["fault": .string(fault), "with": ["after": 1]]])
        for index in 0..<count {
          let reply = try await gateway.message(
            "\(fault) \(index)", most: 50, isStream: isStream,
            headers: [("x-assay-max-retries", "0")])
          #expect(reply.status != 200 || reply.text.contains("event: error"), "\(reply.text)")
        }
      }
      try await fails("bad-request", 30)
      try await fails("server-error", 2)
      try await fails("too-large", 2)
      try await fails("stream-error", 2, isStream: true)
      // Four on their way when the process is killed, and behind them some that never leave.
      try await gateway.script([["fault": "delay", "with": ["delay_ms": 60_000]]])
      async let lost = gateway.together(4) { try? await gateway.message("lost \($0)", most: 200) }
      try await eventually("four are on their way", on: gateway.loop) {
        try await gateway.strikes() == 4
      }
      let late = try await gateway.together(8) {
        try await gateway.message(
          "late \($0)", most: 200, headers: [("x-assay-timeout-ms", "30")])
      }
      #expect(late.allSatisfy { $0.reason == "WAITED_TOO_LONG" })
      kill(gateway.gateway.pid, SIGKILL)
      _ = try await lost
      try await gateway.script([])
      try await fixture.restarted { fixture, _ in
        let before = try await standing(fixture)
        #expect(before.heldNanos == 0)
        // Nobody knows what became of the four: they count at their bounds, by name.
        let lines = try await fixture.account.listLines(ListLinesRequest()).lines
        let unknown = lines.filter { $0.state == .uncertain }
        #expect(unknown.count == 4 && before.uncertainNanos > 0)
        #expect(unknown.reduce(0) { $0 + $1.boundNanos } == before.uncertainNanos)
        #expect(lines.count { $0.state == .void } == 34)
        // All that is left can be spent, but for less than the last call may cost.
        var round = 0
        while try await fixture.gateway.message("rest \(round)", most: 200).status == 200 {
          round += 1
        }
        let after = try await standing(fixture)
        #expect(after.heldNanos == 0)
        let left = cap - after.settledNanos - after.uncertainNanos
        #expect(round > 0 && (0..<3_500_000).contains(left), "\(left)")
      }
      #expect(try fixture.audit().problems == [])
    }
  }

  @Test func `complaint 4: what is enforced, told, written and billed is one number`()
    async throws
  {
    try await Fixture.with { fixture in
      let gateway = fixture.gateway
      try await gateway.script([
        ["fault": "server-error", "times": 3],
        ["fault": "delay", "match": ["every": 5], "with": ["delay_ms": 60]],
      ])
      let replies = try await gateway.together(60) { index in
        let dialect = DialectCall.allCases[index % 3]
        // Some give up waiting; their calls are made and paid all the same.
        let isHasty = index % 10 == 5
        return try await gateway.ask(
          dialect, "one \(index)", isStream: index % 2 == 0,
          headers: isHasty ? [("x-assay-timeout-ms", "20")] : [])
      }
      #expect(replies.contains { $0.status == 200 })
      try await eventually("nothing is held", on: gateway.loop) {
        try await standing(fixture).heldNanos == 0
      }
      func agree(_ fixture: Fixture) async throws -> Int64 {
        let bill = try await gateway.bill().values.reduce(0) { $0 + $1.cost }
        let enforced = try await standing(fixture)
        #expect(enforced.settledNanos == bill && enforced.uncertainNanos == 0)
        let spend = try await fixture.account.getSpend(GetSpendRequest(scope: Self.demo))
        #expect(spend.total?.usage?.costNanos == bill)
        let lines = try await fixture.account.listLines(ListLinesRequest(pageSize: 1_000)).lines
        #expect(lines.reduce(0) { $0 + ($1.usage?.costNanos ?? 0) } == bill)
        #expect(try fixture.audit(try await gateway.billed()).bill?.differences == [])
        return bill
      }
      try await eventually("all is written", on: gateway.loop) {
        let bill = try await gateway.billed().count
        let lines = try await fixture.account.listLines(ListLinesRequest(pageSize: 1_000)).lines
        return lines.count { $0.state == .settled } == bill
      }
      let spent = try await agree(fixture)
      // The very number decides: one nano-dollar above it is no room, a dollar is.
      _ = try await fixture.budget(Self.demo, cap: spent + 1)
      let refused = try await gateway.message("no room")
      #expect(refused.reason == "BUDGET_EXHAUSTED")
      #expect(refused.text.contains("$0.000000001"), "\(refused.text)")
      _ = try await fixture.budget(Self.demo, cap: spent + 1_000_000_000)
      try await fixture.restarted { fixture, _ in
        _ = try await agree(fixture)
        #expect(try await fixture.gateway.message("room").status == 200)
      }
    }
  }

  @Test func `complaint 9: every call has its line, named or not, and loses none at the end`()
    async throws
  {
    try await Fixture.with { fixture in
      let gateway = fixture.gateway
      try await gateway.script([["fault": "server-error", "times": 3]])
      let own = Fixture.product("demo")
      let statuses = try await gateway.together(66) { index in
        if index % 11 == 0 {
          var request = mesh("mesh \(index)")
          // Of no name at all.
          request.callKey = ""
          return try await fixture.calls.generate(request, options: own).text.isEmpty ? 0 : 200
        }
        return try await gateway.ask(
          DialectCall.allCases[index % 3], "line \(index)", isStream: index % 2 == 1
        ).status
      }
      #expect(statuses == Array(repeating: 200, count: 66))
      // The last answer is hardly there when the gateway is told to end.
      let (report, bill) = try await gateway.closed()
      #expect(bill.equal == 66 && bill.uncertain.isEmpty && report.calls == 66)
      #expect(report.lines == 69 && report.sums[.void]?.lines == 3)
      #expect(report.settled == bill.billedTotal)
    }
  }
}
