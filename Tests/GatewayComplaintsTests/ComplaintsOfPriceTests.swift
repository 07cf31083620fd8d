import GatewayAudit
import GatewayContract
import GatewayFixtures
import JSON
import ScoreContract
import TestSupport
import Testing

/// What users complain of: prices that are not there, budgets' windows, and estimates.
@Suite(.timeLimit(.minutes(2))) struct ComplaintsOfPriceTests {
  private typealias Fixture = AccountFixture

  private static let demo = BudgetScope(product: "demo")

  @Test func `complaint 11: what has no price is refused, and never free`() async throws {
    let priced = """

      models:
        searcher:
          serve: {sim-a: claude-haiku-4-5}
          context_tokens: 1000
          output_tokens_max: 100
          price: {input: 1, output: 5}
      """
    let setup = GatewaySetup { provider, _ in GatewayFixture.catalog(provider) + priced }
    try await Fixture.with(setup) { fixture in
      let gateway = fixture.gateway
      for dialect in DialectCall.allCases {
        let unknown = try await gateway.ask(
          dialect.path, dialect.body("x", ["model": "gpt-9-ultra"]))
        #expect(unknown.status == 404 && unknown.reason == "UNKNOWN_MODEL", "\(unknown.text)")
        #expect(dialect.error(unknown.json).message?.contains("gpt-9-ultra") == true)
      }
      // A kind of use that this model has no price for, and ways of calling that nobody priced.
      let search: JSONObject = [
        "model": "searcher",
        "tools": [["type": "web_search_20250305", "name": "web_search", "max_uses": 2]],
      ]
      let searched = try await gateway.ask(
        "/v1/messages", DialectCall.messages.body("x", search))
      #expect(searched.reason == "UNPRICED_MODEL", "\(searched.text)")
      let further: [JSONObject] = [
        ["speed": "fast"], ["inference_geo": "us"],
        ["mcp_servers": [["type": "url", "url": "https://x", "name": "x"]]],
        ["tools": [["type": "code_execution_20250825", "name": "code_execution"]]],
      ]
      for members in further {
        let reply = try await gateway.ask("/v1/messages", DialectCall.messages.body("x", members))
        #expect(reply.status == 400 && reply.text.contains("no price"), "\(reply.text)")
      }
      #expect(try await gateway.log().isEmpty)
      // The operator may not leave a price out either.
      let without = priced.replacing("price: {input: 1, output: 5}", with: "bucket: own")
      try fixture.write(
        GatewayFixture.catalog("unix:\(gateway.folder)/provider.sock") + without)
      try await eventually("the file is refused", on: gateway.loop) {
        try await fixture.reads("refused") == 1
      }
      #expect(gateway.gateway.output.errorLines.contains { $0.contains("has no price") })
      // An answer that says that it comes from another model costs what was agreed.
      let fault: JSONValue = ["fault": "wrong-model", "with": ["text": "free-model"]]
      try await gateway.script([fault])
      let reply = try await gateway.ask(.messages, "who are you", isStream: false)
      #expect(reply.json["model"] == "free-model" && reply.cost > 0)
      #expect(try await gateway.closed().bill.equal == 1)
    }
  }

  /// Midnight is far away there, whenever this runs.
  private static var zone: String {
    let hour = WallClock.milliseconds / 3_600_000 % 24
    return (6..<18).contains(hour) ? "UTC" : "Etc/GMT+12"
  }

  @Test func `complaint 23: a window keeps what was spent in it, whatever changes around it`()
    async throws
  {
    try await Fixture.with(budget: "day: 1, month: 2, zone: \(Self.zone)") { fixture in
      func budgets(_ fixture: Fixture) async throws -> [Budget] {
        try await fixture.account.listBudgets(ListBudgetsRequest(scope: Self.demo)).budgets
          .sorted { $0.windowToMs < $1.windowToMs }
      }
      let first = try await fixture.gateway.message("first").cost
      let (now, before) = (WallClock.milliseconds, try await budgets(fixture))
      #expect(before.map(\.period) == [.day, .month])
      #expect(before.allSatisfy { $0.settledNanos == first })
      #expect(before.allSatisfy { $0.windowFromMs <= now && now < $0.windowToMs })
      #expect(before[0].windowToMs - before[0].windowFromMs == 86_400_000)
      let midnight: Int64 = Self.zone == "UTC" ? 0 : 43_200_000
      #expect(before.allSatisfy { $0.windowFromMs % 86_400_000 == midnight })
      func cap(_ nanos: Int64) async throws -> Budget {
        try await fixture.account.setBudget(
          SetBudgetRequest(
            scope: Self.demo, period: .day, timeZone: Self.zone, capNanos: nanos))
      }
      // Another cap is the same budget: what was spent stays, and both ways hold at once.
      let lowered = try await cap(first)
      #expect(lowered.id == before[0].id && lowered.settledNanos == first)
      #expect(lowered.windowFromMs == before[0].windowFromMs)
      #expect(try await fixture.gateway.message("second").reason == "BUDGET_EXHAUSTED")
      _ = try await cap(1_000_000_000)
      let third = try await fixture.gateway.message("third").cost
      // Neither a price's new version nor a restart begins it anew.
      let prices = try await fixture.account.listPrices(
        ListPricesRequest(model: "claude-haiku-4-5"))
      var price = try #require(prices.prices.last?.price)
      price.version = "new"
      price.fromMs = 0
      _ = try await fixture.account.setPrice(ModelPrice(model: "claude-haiku-4-5", price: price))
      let fourth = try await fixture.gateway.message("fourth").cost
      try await fixture.restarted { fixture, _ in
        let after = try await budgets(fixture)
        #expect(after.allSatisfy { $0.settledNanos == first + third + fourth })
        #expect(after.map(\.windowFromMs) == before.map(\.windowFromMs))
        #expect(after.map(\.capNanos) == [1_000_000_000, 2_000_000_000])
      }
      #expect(try fixture.audit().problems == [])
    }
  }

  @Test func `complaint 24: a call needs no limit of its own, its model has one`() async throws {
    // As long as gpt-5.6-luna may answer costs 15 cents.
    try await Fixture.with(budget: "total: 0.1") { fixture in
      let gateway = fixture.gateway
      for dialect in [DialectCall.chat, .responses] {
        let unbounded = try await gateway.ask(dialect, "short", most: nil)
        #expect(unbounded.status == 402 && unbounded.reason == "BUDGET_EXHAUSTED")
        #expect(unbounded.text.contains("may cost"), "\(unbounded.text)")
        #expect(try await gateway.ask(dialect, "short", most: 100).status == 200)
      }
      // Anthropic's own rule, in its own words.
      let missing = try await gateway.ask(.messages, "short", most: nil)
      #expect(missing.status == 400 && missing.text.contains("max_tokens: field required"))
      _ = try await fixture.budget(Self.demo, cap: 1_000_000_000)
      for dialect in [DialectCall.chat, .responses] {
        #expect(try await gateway.ask(dialect, "short", most: nil).status == 200)
      }
      // It is held at the model's bound, and costs what it costs.
      let lines = try await fixture.lines(4)
      let held = lines.map(\.boundNanos)
      #expect(held[..<2].allSatisfy { $0 > 128_000 * 1_200 }, "\(held)")
      #expect(held[2...].allSatisfy { $0 < 1_000_000 }, "\(held)")
      #expect(lines.allSatisfy { ($0.usage?.costNanos ?? .max) < 1_000_000 })
      let request = GenerateRequest(
        model: "gpt-5.6-luna", blocks: [Block(role: .user, text: "short")])
      let quote = try await fixture.calls.quote(request, options: Fixture.product("demo"))
      #expect(quote.outputTokensMax == 128_000 && quote.refusal.isEmpty)
      #expect(try await gateway.closed().bill.equal == 4)
    }
  }
}
