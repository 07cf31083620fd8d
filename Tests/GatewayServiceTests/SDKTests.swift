import GatewayFixtures
import JSON
import TestSupport
import Testing

/// The providers' own SDKs, unmodified but for the base URL.
@Suite(.timeLimit(.minutes(3))) struct SDKTests {
  @Test func `stock SDKs cannot tell the gateway from their provider`() async throws {
    // They ask the same twice to see that the provider answers both.
    try await GatewayFixture.with(settings: ["ASSAY_GATEWAY_CACHE_BYTES": "0"]) { fixture in
      let output = try await ChildTool.run(
        try BuildPlace.python(),
        ["\(BuildPlace.top)/Tests/Support/python/simulator_sdk.py", fixture.address])
      var passed: Set<String> = []
      for line in output.lines {
        let result = try JSONValue(parsing: line)
        let name = try #require(result["case"]?.stringValue)
        #expect(result["ok"] == true, "\(name): \(result["detail"]?.stringValue ?? "")")
        if result["ok"] == true { passed.insert(name) }
      }
      #expect(passed.count == 21, "\(output.lastWords)")
      #expect(passed.isSuperset(of: ["message_batch", "openai_batch"]))
    }
  }
}
