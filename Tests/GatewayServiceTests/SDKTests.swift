import JSON
import TestSupport
import Testing

/// The providers' own SDKs, unmodified but for the base URL.
@Suite(.timeLimit(.minutes(3))) struct SDKTests {
  /// Batches have no door yet.
  private static let without: Set<String> = ["message_batch", "openai_batch"]

  @Test func `stock SDKs cannot tell the gateway from their provider`() async throws {
    // They ask the same twice to see that the provider answers both.
    try await GatewayFixture.with(settings: ["ASSAY_GATEWAY_CACHE_BYTES": "0"]) { fixture in
      let output = try await ChildTool.run(
        try BuildPlace.python(),
        ["\(BuildPlace.top)/Tests/Support/python/simulator_sdk.py", fixture.address])
      var passed = 0
      for line in output.lines {
        let result = try JSONValue(parsing: line)
        let name = try #require(result["case"]?.stringValue)
        if Self.without.contains(name) { continue }
        #expect(result["ok"] == true, "\(name): \(result["detail"]?.stringValue ?? "")")
        passed += 1
      }
      #expect(passed >= 17, "\(output.lastWords)")
    }
  }
}
