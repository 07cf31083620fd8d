import Faults
import GatewayAudit
import GatewayContract
import GatewayFixtures
import Glibc
import JSON
import Machine
import RPC
import ScoreContract
import TestSupport
import Testing

/// What the operator sees and changes while the gateway runs.
@Suite(.timeLimit(.minutes(2))) struct AccountTests {
  private typealias Fixture = AccountFixture

  private static let demo = BudgetScope(product: "demo")

  // MARK: - Spending

  @Test func `spending and lines say what the bill says`() async throws {
    try await Fixture.with { fixture in
      for index in 0..<5 { _ = try await fixture.gateway.message("mine \(index)") }
      _ = try await fixture.gateway.message("theirs", key: "other-key")
      let billed = try await fixture.gateway.bill().values.reduce(0) { $0 + $1.cost }
      _ = try await fixture.lines(6)
      let spend = try await fixture.account.getSpend(GetSpendRequest(group: .product))
      #expect(spend.rows.map(\.group) == ["demo", "other"])
      #expect(spend.rows.map(\.calls) == [5, 1])
      #expect(spend.total?.usage?.costNanos == billed && spend.total?.attempts == 6)
      let own = try await fixture.account.getSpend(
        GetSpendRequest(scope: BudgetScope(product: "demo", key: "ci"), group: .model))
      #expect(own.rows.map(\.group) == ["claude-haiku-4-5"] && own.total?.calls == 5)
      // A time in which nothing ended.
      let none = try await fixture.account.getSpend(GetSpendRequest(fromMs: 1, toMs: 2))
      #expect(none.total?.calls == 0 && none.rows.isEmpty)
      var request = ListLinesRequest(scope: Self.demo, pageSize: 2)
      var lines: [LedgerLine] = []
      var pages = 0
      repeat {
        let page = try await fixture.account.listLines(request)
        lines += page.lines
        request.pageToken = page.nextPageToken
        pages += 1
        // A line that comes meanwhile moves no page.
        _ = try await fixture.gateway.message("between \(pages)")
      } while !request.pageToken.isEmpty
      #expect(lines.count == 5 && pages == 3)
      #expect(lines.map(\.number) == lines.map(\.number).sorted(by: >))
      #expect(lines.allSatisfy { $0.state == .settled && $0.scope?.product == "demo" })
      #expect(lines.reduce(0) { $0 + ($1.usage?.costNanos ?? 0) } == spend.rows[0].usage?.costNanos)
    }
  }

  @Test func `a product sees its own accounts, and changes no other's`() async throws {
    try await Fixture.with { fixture in
      _ = try await fixture.gateway.message("mine")
      _ = try await fixture.gateway.message("theirs", key: "other-key")
      _ = try await fixture.lines(2)
      let own = Fixture.product("other")
      let lines = try await fixture.account.listLines(ListLinesRequest(), options: own).lines
      #expect(lines.map { $0.scope?.product } == ["other"])
      let spend = try await fixture.account.getSpend(GetSpendRequest(group: .product), options: own)
      #expect(spend.rows.map(\.group) == ["other"])
      let budgets = try await fixture.account.listBudgets(ListBudgetsRequest(), options: own)
      #expect(budgets.budgets.map(\.id) == ["other/total"])
      for product in ["demo", "nobody"] {
        let scope = BudgetScope(product: product)
        let refusals = [
          await fixture.reason {
            _ = try await fixture.account.listLines(ListLinesRequest(scope: scope), options: own)
          },
          await fixture.reason {
            let request = SetBudgetRequest(scope: scope, period: .total, capNanos: 1)
            _ = try await fixture.account.setBudget(request, options: own)
          },
        ]
        #expect(refusals == ["OTHER_PRODUCT", "OTHER_PRODUCT"])
      }
    }
  }

  // MARK: - Budgets

  @Test func `a budget lowered below what is spent admits no call, and a raise lets them in`()
    async throws
  {
    try await Fixture.with { fixture in
      #expect(try await fixture.gateway.message("before").status == 200)
      let before = try await fixture.account.listBudgets(ListBudgetsRequest(scope: Self.demo))
      let spent = try #require(before.budgets.first?.settledNanos)
      #expect(before.budgets.map(\.origin) == ["file"] && spent > 0)
      let lowered = try await fixture.budget(Self.demo, cap: spent - 1)
      #expect(lowered.id == "demo/total" && lowered.origin == "account")
      #expect(lowered.settledNanos == spent && lowered.capNanos == spent - 1)
      let refused = try await fixture.gateway.message("after")
      #expect(refused.status == 402 && refused.reason == "BUDGET_EXHAUSTED")
      // Another product has its own.
      #expect(try await fixture.gateway.message("theirs", key: "other-key").status == 200)
      // The file says what it said before: that is no new word.
      try await fixture.restarted { fixture, _ in
        #expect(try await fixture.gateway.message("still").status == 402)
        _ = try await fixture.budget(Self.demo, cap: 1_000_000_000)
        #expect(try await fixture.gateway.message("again").status == 200)
      }
      #expect(try fixture.audit().problems == [])
    }
  }

  @Test func `a budget for each run holds each of them alone`() async throws {
    try await Fixture.with { fixture in
      let scope = BudgetScope(product: "demo", runId: "*")
      _ = try await fixture.budget(scope, cap: 4_000_000)
      func ask(_ run: String, _ text: String) async throws -> GatewayFixture.Reply {
        try await fixture.gateway.message(text, headers: [("x-assay-run", run)])
      }
      var round = 0
      while try await ask("one", "\(round)").status == 200 { round += 1 }
      #expect(round > 0)
      #expect(try await ask("two", "first").status == 200)
      let standings = try await fixture.account.listBudgets(ListBudgetsRequest(scope: scope))
      #expect(standings.budgets.map { $0.scope?.runId } == ["one", "two"])
      #expect(
        standings.budgets.allSatisfy { $0.settledNanos + $0.heldNanos <= $0.capNanos })
      #expect(try fixture.audit().problems == [])
    }
  }

  // MARK: - Prices

  @Test func `a new price holds from its moment on, and each call keeps the one it was made at`()
    async throws
  {
    try await Fixture.with { fixture in
      let first = try await fixture.gateway.message("the same length 1")
      let prices = try await fixture.account.listPrices(
        ListPricesRequest(model: "claude-haiku-4-5"))
      let old = try #require(prices.prices.last)
      #expect(old.origin == "file" && prices.prices.count == 1)
      var price = try #require(old.price)
      price.inputNanos *= 2
      price.outputNanos *= 2
      price.cacheReadNanos *= 2
      price.cacheWriteNanos *= 2
      price.cacheWriteLongNanos *= 2
      price.version = "doubled"
      price.fromMs = 0
      let order = ModelPrice(model: "claude-haiku-4-5", price: price)
      let made = try await fixture.account.setPrice(order)
      #expect(made.origin == "account" && (made.price?.fromMs ?? 0) > (old.price?.fromMs ?? 0))
      // Said twice, it is one price.
      #expect(try await fixture.account.setPrice(order) == made)
      let second = try await fixture.gateway.message(
        "the same length 1",
        headers: [
          ("x-assay-sample", "1")
        ])
      let lines = try await fixture.lines(2)
      #expect(lines.map { $0.usage?.priceVersion } == ["doubled", old.price?.version])
      let usage = try lines.map { try #require($0.usage) }
      func cost(_ usage: Usage, _ price: Price) -> Int64 {
        (usage.inputTokens * price.inputNanos + usage.outputTokens * price.outputNanos + 999_999)
          / 1_000_000
      }
      #expect(first.cost == cost(usage[1], try #require(old.price)))
      #expect(second.cost == cost(usage[0], price))
      let models = try await fixture.calls.listModels(ListModelsRequest()).models
      #expect(models.first { $0.name == "claude-haiku-4-5" }?.price?.version == "doubled")
      // A price cannot hold for what was called before it.
      price.version = "past"
      price.fromMs = 1
      let past = await fixture.reason {
        _ = try await fixture.account.setPrice(ModelPrice(model: "claude-haiku-4-5", price: price))
      }
      #expect(past == "LEDGER_CHANGE_INVALID")
      try await fixture.restarted { fixture, _ in
        let kept = try await fixture.account.listPrices(ListPricesRequest())
        #expect(
          kept.prices.filter { $0.model == "claude-haiku-4-5" }.map { $0.price?.version }
            == ["doubled"])
      }
      #expect(try fixture.audit().problems == [])
    }
  }

  // MARK: - Lines that nobody knows of

  @Test func `an uncertain line is resolved by evidence, and then the ledger is the bill`()
    async throws
  {
    try await Fixture.with { fixture in
      _ = try await fixture.gateway.message("known")
      // Billed when it begins, and never ended.
      try await fixture.gateway.script([["fault": "stream-stall"]])
      async let lost = try? fixture.gateway.message(
        "lost", isStream: true, headers: [("x-assay-call-key", "k")])
      try await eventually("the call is billed", on: fixture.gateway.loop) {
        try await fixture.gateway.bill().count == 2
      }
      kill(fixture.gateway.gateway.pid, SIGKILL)
      _ = await lost
      _ = try await fixture.gateway.gateway.ended()
      try await fixture.gateway.script([])
      try await fixture.restarted { fixture, _ in
        let request = ListLinesRequest(isUncertainOnly: true)
        let open = try await fixture.account.listLines(request).lines
        let line = try #require(open.first)
        #expect(open.count == 1 && line.callKey == "k" && line.state == .uncertain)
        #expect(line.usage?.costNanos == line.boundNanos && line.boundNanos > 0)
        #expect(try fixture.audit().open.map(\.number) == [line.number])
        let billed = try await fixture.gateway.bill().values.first { $0.callKey == "k" }?.cost ?? 0
        #expect(billed > 0 && billed < line.boundNanos)
        var resolve = ResolveLineRequest(attemptId: line.attemptId, costNanos: billed)
        #expect(
          await fixture.reason { _ = try await fixture.account.resolveLine(resolve) }
            == "LEDGER_CHANGE_INVALID")
        resolve.evidence = "the provider's console"
        let resolved = try await fixture.account.resolveLine(resolve)
        #expect(resolved.state == .settled && resolved.usage?.costNanos == billed)
        #expect(resolved.evidence == resolve.evidence && resolved.resolvedByNumber > line.number)
        // Said twice, it is one correction; another cost is refused.
        #expect(try await fixture.account.resolveLine(resolve) == resolved)
        resolve.costNanos += 1
        #expect(
          await fixture.reason { _ = try await fixture.account.resolveLine(resolve) }
            == "LINE_CORRECTED")
        #expect(try await fixture.account.listLines(request).lines.isEmpty)
        let total = try await fixture.account.getSpend(GetSpendRequest()).total
        let bill = try await fixture.gateway.bill().values.reduce(0) { $0 + $1.cost }
        #expect(total?.usage?.costNanos == bill && total?.uncertainNanos == 0)
      }
      try await fixture.gateway.simulator.end()
      let report = try fixture.audit(try BilledCall.read("\(fixture.gateway.folder)/bill.jsonl"))
      #expect(report.problems == [] && report.open == [])
      #expect(report.bill?.differences == [], "\(String(describing: report.bill))")
      #expect(report.sums[.correction]?.lines == 1)
      #expect(report.bill?.equal == 2 && report.bill?.uncertain == [])
    }
  }

  // MARK: - Bad input

  @Test func `what makes no sense is refused by its field or its name`() async throws {
    try await Fixture.with { fixture in
      for (place, (reason, body)) in Self.senseless(fixture).enumerated() {
        #expect(await fixture.reason(body) == reason, "test \(place)")
      }
      // Nothing of it has happened.
      let products = try await fixture.account.listProducts(ListProductsRequest()).products
      #expect(products.count == 2)
      let report = try fixture.audit()
      #expect(report.problems == [])
    }
  }

  /// Requests with the reason that each is refused by.
  private static func senseless(
    _ fixture: Fixture
  ) -> [(String, () async throws -> Void)] {
    let account = fixture.account
    return [
      ("BAD_REQUEST", { _ = try await account.setBudget(SetBudgetRequest(scope: Self.demo)) }),
      ("BAD_REQUEST", { _ = try await fixture.budget(Self.demo, cap: -1) }),
      ("BAD_REQUEST", { _ = try await fixture.budget(BudgetScope(product: "a b"), cap: 1) }),
      ("UNKNOWN_PRODUCT", { _ = try await fixture.budget(BudgetScope(product: "x"), cap: 1) }),
      ("UNKNOWN_MODEL", { _ = try await fixture.budget(BudgetScope(model: "x"), cap: 1) }),
      (
        "BUDGET_IS_ANOTHER",
        {
          _ = try await account.setBudget(
            SetBudgetRequest(
              scope: Self.demo, period: .total, timeZone: "Europe/Berlin", capNanos: 1))
        }
      ),
      (
        "TIME_ZONE_UNKNOWN",
        {
          _ = try await account.setBudget(
            SetBudgetRequest(scope: Self.demo, period: .day, timeZone: "Mars", capNanos: 1))
        }
      ),
      ("BAD_REQUEST", { _ = try await account.getSpend(GetSpendRequest(fromMs: 2, toMs: 1)) }),
      ("BAD_REQUEST", { _ = try await account.listLines(ListLinesRequest(pageSize: 1_001)) }),
      ("BAD_REQUEST", { _ = try await account.listLines(ListLinesRequest(pageToken: "x")) }),
      ("BAD_CALL_KEY", { _ = try await account.listLines(ListLinesRequest(callKey: "a b")) }),
      (
        "ATTEMPT_UNKNOWN",
        { _ = try await account.resolveLine(ResolveLineRequest(attemptId: "1-x", evidence: "e")) }
      ),
      (
        "ATTEMPT_UNKNOWN",
        {
          _ = try await account.resolveLine(
            ResolveLineRequest(attemptId: "9-9223372036854775807", evidence: "e"))
        }
      ),
    ] + senselessChanges(account)
  }

  private static func senselessChanges(
    _ account: AccountClient
  ) -> [(String, () async throws -> Void)] {
    [
      ("BAD_REQUEST", { _ = try await account.setProduct(Product(name: "")) }),
      ("BAD_REQUEST", { _ = try await account.setProduct(Product(name: "n", models: ["x"])) }),
      (
        "BAD_REQUEST",
        {
          _ = try await account.setProduct(
            Product(name: "n", limits: CallLimits(concurrency: -1)))
        }
      ),
      ("UNKNOWN_PRODUCT", { _ = try await account.createKey(.init(product: "x", name: "k")) }),
      ("BAD_KEY_NAME", { _ = try await account.createKey(.init(product: "demo", name: "a/b")) }),
      ("KEY_EXISTS", { _ = try await account.createKey(.init(product: "demo", name: "ci")) }),
      ("KEY_UNKNOWN", { _ = try await account.revokeKey(RevokeKeyRequest(id: "demo/x")) }),
      ("UNKNOWN_MODEL", { _ = try await account.listPrices(ListPricesRequest(model: "x")) }),
      ("BAD_REQUEST", { _ = try await account.setPrice(ModelPrice(model: "gpt-5.6-sol")) }),
      (
        "BAD_REQUEST",
        {
          _ = try await account.setPrice(
            ModelPrice(model: "gpt-5.6-sol", price: Price(inputNanos: -1, outputNanos: 1)))
        }
      ),
      (
        "LEDGER_CHANGE_INVALID",
        {
          _ = try await account.setPrice(
            ModelPrice(model: "gpt-5.6-sol", price: Price(inputNanos: .max, outputNanos: 1)))
        }
      ),
    ]
  }

  @Test func `who is not the operator changes no account`() async throws {
    try await ScratchFolder.with { scratch in
      let folder = scratch.path
      var environment = GatewayFixture.environment(folder, "process")
      environment["ASSAY_MESH_LISTEN"] = "tcp://127.0.0.1:0"
      environment["ASSAY_IDENTITY_STRANGERS"] = "edge"
      try GatewayFixture.write(
        GatewayFixture.catalog("unix:\(folder)/nobody.sock"), to: "\(folder)/gateway.yaml")
      try await Fixture.alone(environment) { account in
        let own = try await account.listBudgets(
          ListBudgetsRequest(), options: Fixture.product("demo")
        ).budgets
        #expect(own.map(\.id) == ["demo/total"])
        // Without a product's name it is the default one's, and not everybody's.
        let none = try await account.listBudgets(ListBudgetsRequest()).budgets
        #expect(none.isEmpty)
        var refused: [String] = []
        for body in Self.changes(account) {
          do { try await body() } catch { refused.append(Fault(describing: error).code.name) }
        }
        #expect(refused == Array(repeating: "PERMISSION_DENIED", count: 4))
      }
    }
  }

  private static func changes(_ account: AccountClient) -> [() async throws -> Void] {
    [
      { _ = try await account.createKey(CreateKeyRequest(product: "demo", name: "k")) },
      { _ = try await account.setBudget(SetBudgetRequest(period: .total, capNanos: 1)) },
      { _ = try await account.listKeys(ListKeysRequest()) },
      { _ = try await account.resolveLine(ResolveLineRequest()) },
    ]
  }
}
