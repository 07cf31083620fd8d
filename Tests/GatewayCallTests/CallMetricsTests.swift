import GatewayFixtures
import JSON
import TestSupport
import Testing

/// What /metrics says of calls, held against the provider's bill.
@Suite(.timeLimit(.minutes(1))) struct CallMetricsTests {
  /// The sum of a metric's series that bear all of the labels.
  private func sum(
    _ fixture: GatewayFixture, _ name: String, _ labels: String...
  ) async throws -> Int {
    try await fixture.metrics().filter { line in
      line.hasPrefix("\(name){") && labels.allSatisfy { line.contains($0) }
    }.reduce(0) { sum, line in
      sum + (line.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) } ?? 0)
    }
  }

  @Test func `calls, tokens and money are counted by product and model, as they were billed`()
    async throws
  {
    try await GatewayFixture.with { fixture in
      for text in ["one", "two", "one"] { _ = try await fixture.message(text, most: 50) }
      let calls = "assay_gateway_calls_total"
      #expect(try await sum(fixture, calls, "state=\"miss\"") == 2)
      #expect(try await sum(fixture, calls, "state=\"hit\"") == 1)
      let bill = try await fixture.bill()
      let cost = bill.values.reduce(0) { $0 + $1.cost }
      #expect(try await sum(fixture, "assay_gateway_spend_nanodollars_total") == Int(cost))
      let usages = try await fixture.usages()
      let output = usages.reduce(0) { $0 + ($1["output"]?.intValue ?? 0) }
      #expect(output > 0)
      #expect(
        try await sum(fixture, "assay_gateway_tokens_total", "kind=\"output\"") == output)
      #expect(try await sum(fixture, "assay_gateway_call_seconds_count") == 3)
    }
  }

  @Test func `what a provider fails at is counted by its reason`() async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": "overloaded", "times": 1]])
      _ = try await fixture.message("one", most: 50)
      let failed = "assay_gateway_attempts_failed_total"
      #expect(try await sum(fixture, failed, "reason=\"PROVIDER_OVERLOADED\"") == 1)
      #expect(try await sum(fixture, "assay_gateway_calls_total", "state=\"failed\"") == 0)
    }
  }
}
