import GatewayAudit
import GatewayContract
import GatewayFixtures
import Glibc
import JSON
import ScoreContract
import TestSupport
import Testing

/// The operator's file, changed under a gateway that runs.
@Suite(.timeLimit(.minutes(2))) struct CatalogReloadTests {
  private typealias Fixture = AccountFixture

  private func catalog(
    _ fixture: Fixture, budget: String = "total: 1000", limits: String = "", more: String = ""
  ) -> String {
    GatewayFixture.catalog(
      "unix:\(fixture.gateway.folder)/provider.sock", budget: budget, limits: limits) + "\n" + more
  }

  private func taken(_ fixture: Fixture, _ count: Int) async throws {
    try await eventually("the file is taken", on: fixture.gateway.loop) {
      try await fixture.reads("taken") >= count
    }
  }

  @Test func `limits, keys, prices and budgets of a changed file hold without a restart`()
    async throws
  {
    try await Fixture.with { fixture in
      #expect(try await fixture.gateway.message("before").status == 200)
      #expect(try await fixture.gateway.message("no", key: "third-key").status == 401)
      let more = """
          third:
            keys: {ci: {text: third-key}}
            output_tokens_per_minute: 10
        models:
          claude-haiku-4-5:
            price: {input: 7, output: 11, version: dear}
        """
      try fixture.write(catalog(fixture, budget: "total: 900", more: more))
      try await taken(fixture, 1)
      // A limit that the call can never fit.
      let tooLarge = try await fixture.gateway.message("large", key: "third-key")
      #expect(tooLarge.status == 413 || tooLarge.reason == "REQUEST_TOO_LARGE", "\(tooLarge.text)")
      #expect(try await fixture.gateway.message("small", most: 8, key: "third-key").status == 200)
      let line = try await fixture.lines(2).first
      let usage = try #require(line?.usage)
      #expect(usage.priceVersion == "dear")
      #expect(
        usage.costNanos == usage.inputTokens * 7_000 + usage.outputTokens * 11_000)
      let budgets = try await fixture.account.listBudgets(ListBudgetsRequest()).budgets
      #expect(budgets.map(\.capNanos) == [900_000_000_000, 900_000_000_000])
      // A product and its key that are gone.
      try fixture.write(catalog(fixture, budget: "total: 900"))
      try await taken(fixture, 2)
      #expect(try await fixture.gateway.message("gone", key: "third-key").status == 401)
      #expect(try await fixture.gateway.message("here").status == 200)
      #expect(try fixture.audit().problems == [])
    }
  }

  @Test func `a file that is wrong changes nothing, and says where`() async throws {
    try await Fixture.with { fixture in
      for (number, wrong) in [
        "providers: [", catalog(fixture, limits: "wieght: 3"),
        catalog(fixture, budget: "total: 1, zone: Mars/Olympus"),
        catalog(fixture).replacing("unix:", with: "gopher:"), "",
      ].enumerated() {
        try fixture.write(wrong)
        try await eventually("file \(number) is refused", on: fixture.gateway.loop) {
          try await fixture.reads("refused") == number + 1
        }
        #expect(try await fixture.gateway.message("still \(number)").status == 200)
      }
      let refusals = fixture.gateway.gateway.output.errorLines.filter {
        $0.contains("gateway's file was refused")
      }
      #expect(refusals.contains { $0.contains("gateway.yaml:16") && $0.contains("weight") })
      let metrics = try await fixture.gateway.metrics()
      #expect(metrics.contains("assay_gateway_catalog_refused 1"))
      #expect(try await fixture.reads("taken") == 0)
      let products = try await fixture.account.listProducts(ListProductsRequest()).products
      #expect(products.map(\.name) == ["demo", "other"])
      try fixture.write(catalog(fixture, limits: "weight: 3"))
      try await taken(fixture, 1)
      #expect(try await fixture.gateway.metrics().contains("assay_gateway_catalog_refused 0"))
      let now = try await fixture.account.listProducts(ListProductsRequest()).products
      #expect(now.map(\.weight) == [3, 1])
    }
  }

  @Test func `the file speaks again when it changes, and not by being read`() async throws {
    try await Fixture.with { fixture in
      _ = try await fixture.budget(BudgetScope(product: "demo"), cap: 5)
      func cap() async throws -> Int64? {
        try await fixture.account.listBudgets(
          ListBudgetsRequest(scope: BudgetScope(product: "demo"))
        ).budgets.first?.capNanos
      }
      // Read again by a signal: nothing new stands in it.
      kill(fixture.gateway.gateway.pid, SIGHUP)
      try await taken(fixture, 1)
      #expect(try await cap() == 5)
      // Changed elsewhere: still no word on this budget.
      try fixture.write(catalog(fixture, limits: "weight: 2"))
      try await taken(fixture, 2)
      #expect(try await cap() == 5)
      try fixture.write(catalog(fixture, budget: "total: 2000"))
      try await taken(fixture, 3)
      #expect(try await cap() == 2_000_000_000_000)
    }
  }

  @Test func `a signal has secrets read again`() async throws {
    try await Fixture.with { fixture in
      let secret = "\(fixture.gateway.folder)/secret"
      try GatewayFixture.write("first\n", to: secret)
      let more = "  third:\n    keys: {ci: {file: \(secret)}}"
      try fixture.write(catalog(fixture, more: more))
      try await taken(fixture, 1)
      #expect(try await fixture.gateway.message("one", key: "first").status == 200)
      try GatewayFixture.write("second\n", to: secret)
      kill(fixture.gateway.gateway.pid, SIGHUP)
      try await taken(fixture, 2)
      #expect(try await fixture.gateway.message("two", key: "second").status == 200)
      #expect(try await fixture.gateway.message("old", key: "first").status == 401)
    }
  }

  @Test func `calls under way end as they began while the file changes`() async throws {
    try await Fixture.with { fixture in
      try await fixture.gateway.script([["fault": "delay", "with": ["delay_ms": 50]]])
      try await withThrowingTaskGroup(of: Int.self) { group in
        for client in 0..<8 {
          group.addTask {
            var failed = 0
            for call in 0..<20 {
              let reply = try await fixture.gateway.message("\(client) \(call)")
              if reply.status != 200 { failed += 1 }
            }
            return failed
          }
        }
        for round in 1...6 {
          try fixture.write(
            catalog(fixture, budget: "total: \(1_000 + round)", limits: "weight: \(round)"))
          try await taken(fixture, round)
        }
        for try await failed in group { #expect(failed == 0) }
      }
      #expect(try fixture.audit().problems == [])
      #expect(try await fixture.gateway.bill().count == 160)
    }
  }
}
