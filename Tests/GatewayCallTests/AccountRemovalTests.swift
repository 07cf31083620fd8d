import GatewayAudit
import GatewayContract
import GatewayFixtures
import JSON
import RPC
import ScoreContract
import TestSupport
import Testing

/// Budgets and products that are taken away, and calls that are asked about afterwards.
@Suite(.timeLimit(.minutes(2))) struct AccountRemovalTests {
  private typealias Fixture = AccountFixture

  private func call(_ key: String, run: String = "") -> GenerateRequest {
    GenerateRequest(
      callKey: key, runId: run, model: "claude-haiku-4-5",
      blocks: [Block(role: .user, text: "question \(key)")], output: OutputSpec(mode: .text),
      outputTokensMax: 32)
  }

  private func removal(_ fixture: Fixture, ofBudget id: String) async -> String? {
    await fixture.reason {
      _ = try await fixture.account.removeBudget(RemoveBudgetRequest(id: id))
    }
  }

  private func removal(_ fixture: Fixture, ofProduct name: String) async -> String? {
    await fixture.reason {
      _ = try await fixture.account.removeProduct(RemoveProductRequest(name: name))
    }
  }

  // MARK: - Budgets

  @Test func `a budget that is taken away holds no more, and its lines stay`() async throws {
    try await Fixture.with { fixture in
      let scope = BudgetScope(product: "demo", runId: "r")
      let made = try await fixture.budget(scope, cap: 100_000_000)
      let options = Fixture.product("demo")
      let paid = try await fixture.calls.generate(call("one", run: "r"), options: options)
      _ = try await fixture.budget(scope, cap: 0)
      let refused = await fixture.reason {
        _ = try await fixture.calls.generate(call("two", run: "r"), options: options)
      }
      #expect(refused == "BUDGET_EXHAUSTED")
      let removed = try await fixture.account.removeBudget(RemoveBudgetRequest(id: made.id))
      #expect(removed.id == made.id && removed.settledNanos == paid.usage?.costNanos)
      _ = try await fixture.calls.generate(call("three", run: "r"), options: options)
      #expect(try await fixture.lines(2).count == 2)
      #expect(await removal(fixture, ofBudget: made.id) == "BUDGET_UNKNOWN")
      try await fixture.restarted { fixture, _ in
        let left = try await fixture.account.listBudgets(ListBudgetsRequest()).budgets
        #expect(left.map(\.id) == ["demo/total", "other/total"])
        let spend = try await fixture.account.getSpend(GetSpendRequest(group: .run))
        #expect(spend.rows.map(\.group) == ["r"] && spend.rows.first?.calls == 2)
        // The same may be made again.
        #expect(try await fixture.budget(scope, cap: 5).id == made.id)
      }
      #expect(try fixture.audit().problems == [])
    }
  }

  @Test func `one that is needed is not taken away`() async throws {
    try await Fixture.with { fixture in
      #expect(await removal(fixture, ofBudget: "demo/total") == "BUDGET_IN_FILE")
      #expect(await removal(fixture, ofBudget: "nobody") == "BUDGET_UNKNOWN")
      let made = try await fixture.budget(BudgetScope(product: "demo", key: "*"), cap: 100_000_000)
      // Another product is not told that it is there.
      let foreign = await fixture.reason {
        _ = try await fixture.account.removeBudget(
          RemoveBudgetRequest(id: made.id), options: Fixture.product("other"))
      }
      #expect(foreign == "BUDGET_UNKNOWN")
      try await fixture.gateway.script([["fault": "delay", "with": ["delay_ms": 1_000]]])
      let asked = Task { try await fixture.gateway.message("held") }
      try await eventually("a call is being made", on: fixture.gateway.loop) {
        try await fixture.gateway.strikes() == 1
      }
      #expect(await removal(fixture, ofBudget: made.id) == "BUDGET_HELD")
      #expect(try await asked.value.status == 200)
      #expect(await removal(fixture, ofBudget: made.id) == nil)
      #expect(try fixture.audit().problems == [])
    }
  }

  // MARK: - Products

  @Test func `a product goes when nothing is its own any more but its lines`() async throws {
    try await Fixture.with { fixture in
      #expect(await removal(fixture, ofProduct: "demo") == "PRODUCT_IN_FILE")
      #expect(await removal(fixture, ofProduct: "lab") == "UNKNOWN_PRODUCT")
      _ = try await fixture.account.setProduct(Product(name: "lab"))
      let made = try await fixture.account.createKey(CreateKeyRequest(product: "lab", name: "ci"))
      let budget = try await fixture.budget(BudgetScope(product: "lab"), cap: 100_000_000)
      #expect(await removal(fixture, ofProduct: "lab") == "PRODUCT_HAS_KEYS")
      _ = try await fixture.account.revokeKey(RevokeKeyRequest(id: "lab/ci"))
      #expect(await removal(fixture, ofProduct: "lab") == "PRODUCT_HAS_BUDGETS")
      _ = try await fixture.account.removeBudget(RemoveBudgetRequest(id: budget.id))
      try await fixture.gateway.script([["fault": "delay", "with": ["delay_ms": 1_000]]])
      let request = call("one")
      let calls = fixture.calls
      let asked = Task { try await calls.generate(request, options: Fixture.product("lab")) }
      try await eventually("a call is being made", on: fixture.gateway.loop) {
        try await fixture.gateway.strikes() == 1
      }
      #expect(await removal(fixture, ofProduct: "lab") == "PRODUCT_HELD")
      _ = try await asked.value
      _ = try await fixture.lines(1)
      let tool = try await ChildTool.run(
        try BuildPlace.executable("assay"),
        ["product", "rm", "lab", "--address", "unix:\(fixture.gateway.folder)/gw.sock"])
      #expect(tool.status == 0 && tool.lines == ["lab  removed"], "\(tool)")
      try await expectGone(fixture, made.secret)
      try await fixture.restarted { fixture, _ in try await expectGone(fixture, made.secret) }
      #expect(try fixture.audit().problems == [])
    }
  }

  private func expectGone(_ fixture: Fixture, _ secret: String) async throws {
    let products = try await fixture.account.listProducts(ListProductsRequest()).products
    #expect(products.map(\.name) == ["demo", "other"])
    let refused = await fixture.reason {
      _ = try await fixture.calls.generate(call("two"), options: Fixture.product("lab"))
    }
    #expect(refused == "UNKNOWN_PRODUCT")
    #expect(try await fixture.gateway.message("hello", key: secret).status == 401)
    let request = ListLinesRequest(scope: BudgetScope(product: "lab"))
    #expect(try await fixture.account.listLines(request).lines.count == 1)
  }

  // MARK: - What became of a call

  @Test func `a call says what is known of it, also when somebody found it out later`()
    async throws
  {
    try await Fixture.with { fixture in
      let lost: JSONValue = ["fault": "close", "with": ["billed": true]]
      let never = [("x-assay-max-retries", "0")]
      func standing(_ key: String) async throws -> GetCallResponse {
        try await fixture.calls.getCall(
          GetCallRequest(callKey: key), options: Fixture.product("demo"))
      }
      try await fixture.gateway.script([lost])
      for key in ["paid", "free"] {
        let headers = never + [("x-assay-call-key", key)]
        #expect(try await fixture.gateway.message(key, headers: headers).status == 502)
      }
      try await fixture.gateway.script([["fault": "server-error"]])
      _ = try await fixture.gateway.message(
        "refused", headers: never + [("x-assay-call-key", "refused")])
      let lines = try await fixture.lines(3)
      #expect(try await standing("paid").state == .uncertain)
      #expect(try await standing("refused").state == .void)
      #expect(try await standing("nobody's").state == .unknownCall)
      for (key, cost) in [("paid", 77), ("free", 0)] as [(String, Int64)] {
        let line = try #require(lines.first { $0.callKey == key })
        #expect(line.state == .uncertain)
        _ = try await fixture.account.resolveLine(
          ResolveLineRequest(attemptId: line.attemptId, costNanos: cost, evidence: "an invoice"))
      }
      let paid = try await standing("paid")
      #expect(paid.state == .settled && paid.response?.usage?.costNanos == 77)
      #expect(paid.response?.text == "" && paid.response?.callKey == "paid")
      #expect(try await standing("free").state == .void)
      // Asked again it is made anew, and then it has an answer.
      try await fixture.gateway.script([])
      let again = try await fixture.gateway.message(
        "paid", headers: never + [("x-assay-call-key", "paid")])
      #expect(again.status == 200)
      _ = try await fixture.lines(4)
      #expect(try await standing("paid").response?.usage?.costNanos == again.cost)
    }
  }
}
