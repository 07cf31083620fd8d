import GRPCFormat
import GatewayAudit
import GatewayContract
import GatewayFixtures
import JSON
import RPC
import ScoreContract
import TestSupport
import Testing

/// What a run is told of prompt caches, against the provider's bill.
@Suite(.timeLimit(.minutes(2))) struct CacheReportTests {
  private static let document = (0..<2_000).map { "Line \($0) of the document." }
    .joined(separator: "\n")

  private func criterion(_ index: Int, run: String, document: String = document) -> GenerateRequest
  {
    GenerateRequest(
      callKey: "\(run)-\(index)", runId: run, model: "claude-haiku-4-5",
      blocks: [
        Block(role: .user, text: document, isCacheBreakpoint: true),
        Block(role: .user, text: "Criterion \(index): is it sound?"),
      ],
      output: OutputSpec(mode: .text), outputTokensMax: 200,
      policy: CallPolicy(prefixReuses: 9))
  }

  /// Ten criteria over one document, at once.
  private func score(_ fixture: AccountFixture, run: String) async throws {
    let calls = fixture.calls
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<10 {
        let request = criterion(index, run: run)
        group.addTask {
          _ = try await calls.generate(request, options: AccountFixture.product("demo"))
        }
      }
      try await group.waitForAll()
    }
  }

  private func report(_ fixture: AccountFixture, run: String) async throws -> GetCachingResponse {
    try await fixture.account.getCaching(
      GetCachingRequest(scope: BudgetScope(product: "demo", runId: run)))
  }

  /// The tokens of a kind in the simulator's bill.
  private func billed(_ usages: [JSONValue], _ kind: String) -> Int64 {
    usages.reduce(0) { $0 + Int64($1[kind]?.intValue ?? 0) }
  }

  @Test func `the report of a run is the bill, to the token, also after a restart`() async throws {
    try await AccountFixture.with { fixture in
      try await fixture.gateway.script([["fault": "delay", "with": ["delay_ms": 100]]])
      try await score(fixture, run: "run-1")
      let usages = try await fixture.gateway.usages()
      let bill = try await fixture.gateway.bill().values.reduce(0) { $0 + $1.cost }
      // Of another run, and of none: in no report of this one.
      let options = AccountFixture.product("demo")
      _ = try await fixture.calls.generate(
        criterion(1, run: "run-2", document: "short"), options: options)
      _ = try await fixture.gateway.message("of no run")
      _ = try await fixture.lines(12)
      let told = try await report(fixture, run: "run-1")
      let total = try #require(told.total)
      let usage = try #require(total.usage)
      #expect(told.rows.count == 1 && told.rows.first?.model == "claude-haiku-4-5")
      #expect(total.calls == 10 && total.attempts == 10 && total.uncertainNanos == 0)
      #expect(usage.inputTokens == billed(usages, "input"))
      #expect(usage.cacheReadTokens == billed(usages, "cache_read"))
      #expect(usage.cacheWriteTokens == billed(usages, "cache_write_5m"))
      #expect(usage.outputTokens == billed(usages, "output"))
      #expect(usage.costNanos == bill)
      #expect(usage.cacheReadTokens > 9 * 4_096)
      #expect(total.cacheReadPredicted == usage.cacheReadTokens)
      // A thousand nano-dollars for a token of input, five thousand for one of output.
      let input = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
      #expect(total.uncachedCostNanos == input * 1_000 + usage.outputTokens * 5_000)
      let share = 1 - Double(bill) / Double(total.uncachedCostNanos)
      #expect(abs(total.savedShare - share) < 1e-9 && share > 0.7)
      let all = try await fixture.account.getCaching(GetCachingRequest())
      #expect(all.total?.calls == 12)
      #expect(all.total?.cacheReadPredicted == total.cacheReadPredicted)
      try await fixture.restarted { fixture, _ in
        let again = try await report(fixture, run: "run-1")
        #expect(again == told)
      }
      #expect(try fixture.audit().problems == [])
    }
  }

  @Test func `writes that nobody read cost more than they saved, and the report says so`()
    async throws
  {
    try await AccountFixture.with { fixture in
      let options = AccountFixture.product("demo")
      _ = try await fixture.calls.generate(criterion(1, run: "alone"), options: options)
      _ = try await fixture.lines(1)
      let told = try await report(fixture, run: "alone")
      #expect((told.total?.savedShare ?? 0) < 0 && told.total?.cacheReadPredicted == 0)
      #expect(try await report(fixture, run: "nobodys").rows.isEmpty)
      // A product sees its own.
      let others = try await fixture.account.getCaching(
        GetCachingRequest(), options: AccountFixture.product("other"))
      #expect(others.total?.calls == 0)
    }
  }

  @Test func `the tool prints it as a table, and as JSON`() async throws {
    try await AccountFixture.with { fixture in
      try await fixture.gateway.script([["fault": "delay", "with": ["delay_ms": 100]]])
      try await score(fixture, run: "run-1")
      _ = try await fixture.lines(10)
      let told = try #require(try await report(fixture, run: "run-1").total)
      let words = ["ledger", "cache", "--run", "run-1", "--product", "demo"]
      let address = ["--address", "unix:\(fixture.gateway.folder)/gw.sock"]
      let tool = try BuildPlace.executable("assay")
      let table = try await ChildTool.run(tool, words + address, environment: ["NO_COLOR": "1"])
      #expect(table.status == 0 && table.lines.count == 3, "\(table)")
      let row = try #require(table.lines.last)
      for count in [told.usage?.cacheReadTokens, told.cacheReadPredicted, 10] {
        #expect(row.contains(" \(count ?? -1) "), "\(row)")
      }
      #expect(row.hasSuffix(" %"))
      let json = try await ChildTool.run(tool, words + address + ["--json"])
      let rows = try json.lines.map { try JSONValue(parsing: $0) }
      #expect(rows.map { $0["model"] } == ["claude-haiku-4-5", "total"])
      #expect(
        rows[1]["cacheReadPredicted"]?.stringValue == String(told.cacheReadPredicted), "\(rows)")
      #expect(rows[1]["usage"]?["costNanos"]?.stringValue == String(told.usage?.costNanos ?? -1))
      let none = try await ChildTool.run(tool, ["ledger", "cache", "--run", "none"] + address)
      #expect(none.status == 0 && none.lines.isEmpty && none.errorLines == ["nothing was asked"])
    }
  }
}
