import Faults
import GatewayAudit
import GatewayContract
import GatewayFixtures
import GatewayValues
import HTTPClient
import JSON
import RPC
import ScoreContract
import TestSupport
import Testing

/// What users complain of: failures that look like success.
@Suite(.timeLimit(.minutes(2))) struct ComplaintsOfStreamsTests {
  private func isEnded(_ text: String) -> Bool {
    ["message_stop", "[DONE]", "response.completed"].contains { text.contains($0) }
  }

  @Test(arguments: DialectCall.allCases)
  func `complaint 18: an overloaded error inside a stream of status 200 is a failure`(
    dialect: DialectCall
  ) async throws {
    try await AccountFixture.with { fixture in
      let gateway = fixture.gateway
      try await gateway.script([
        ["fault": "stream-overloaded", "times": 1, "with": ["after": 2]]
      ])
      let broken = try await gateway.ask(dialect, "tell", most: 900, isStream: true)
      #expect(broken.status == 200 && !isEnded(broken.text), "\(broken.text)")
      let event = try #require(
        broken.text.split(separator: "\n").last { $0.hasPrefix("data: ") })
      let error = try JSONValue(parsing: String(event.dropFirst(6)))
      switch dialect {
      case .messages:
        #expect(error["type"] == "error" && error["error"]?["type"] == "overloaded_error")
      case .chat: #expect(error["error"]?["type"] == "overloaded")
      case .responses: #expect(error["type"] == "error" && error["code"] == "provider_overloaded")
      }
      let failed = gateway.gateway.output.errorLines.filter { $0.contains("an attempt failed") }
      #expect(failed.count == 1 && failed[0].contains("PROVIDER_OVERLOADED"), "\(failed)")
      // Paid as far as it came, and no answer that anybody is given again.
      let line = try #require(try await fixture.lines(1).first)
      #expect(line.outcome.lowercased() == "aborted" && line.usage?.completeness != .exact)
      #expect((line.usage?.costNanos ?? 0) >= (try await gateway.bill().values.first?.cost ?? 1))
      let whole = try await gateway.ask(dialect, "tell", most: 900, isStream: true)
      #expect(whole.headers["x-assay-cache"] == "miss" && isEnded(whole.text), "\(whole.text)")
    }
  }

  @Test func `complaint 18: a stream of the mesh tells the same failure by its reason`()
    async throws
  {
    try await AccountFixture.with { fixture in
      try await fixture.gateway.script([["fault": "stream-overloaded", "with": ["after": 2]]])
      let request = GenerateRequest(
        callKey: "s", model: "claude-haiku-4-5", blocks: [Block(role: .user, text: "tell")],
        outputTokensMax: 400)
      let options = AccountFixture.product("demo")
      let reason = await fixture.reason {
        for try await event in fixture.calls.generateStream(request, options: options) {
          if case .finished = event.kind { Issue.record("it says that it finished") }
        }
      }
      #expect(reason == "PROVIDER_OVERLOADED")
      let told = try await fixture.calls.getCall(GetCallRequest(callKey: "s"), options: options)
      // What was paid is told, and no answer: nothing ended as an answer ends.
      #expect(told.response?.text.isEmpty ?? true)
      #expect(told.response?.finish != .stop)
    }
  }

  /// What comes instead of an answer, whichever way it fails.
  private static let faults = [
    "close", "reset", "half-close", "bad-status-line", "header-flood", "length-too-long",
    "bad-chunk", "no-last-chunk", "body-cut", "body-reset", "garbage", "json-cut", "empty-body",
    "html", "invalid-utf8", "redirect", "error-junk", "bad-gateway", "unavailable",
  ]

  @Test(arguments: DialectCall.allCases)
  func `complaint 21: what is no answer is never a 200`(dialect: DialectCall) async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.script(
        Self.faults.map { ["fault": .string($0), "match": ["contains": .string("<\($0)>")]] })
      for fault in Self.faults {
        let reply = try await fixture.ask(
          dialect, "<\(fault)>", headers: [("x-assay-max-retries", "0")])
        #expect((500...599).contains(reply.status), "\(fault): \(reply.status)")
        #expect(reply.reason == "PROVIDER_ERROR", "\(fault): \(reply.reason)")
        // What a provider's proxy says in its own words is passed on with its own status.
        if !["error-junk", "bad-gateway", "unavailable"].contains(fault) {
          #expect(dialect.error(reply.json).message?.isEmpty == false, "\(fault): \(reply.text)")
        }
        // Enough that goes well between them that nobody leaves the provider alone.
        for number in 0..<2 {
          let well = try await fixture.ask(dialect, "well \(fault) \(number)")
          #expect(well.status == 200, "\(well.text)")
        }
      }
      #expect(try await fixture.log().count == 3 * Self.faults.count)
    }
  }

  @Test func `complaint 21: a provider that is not there is an error of its own, not a 200`()
    async throws
  {
    let setup = GatewaySetup { _, folder in GatewayFixture.catalog("unix:\(folder)/nobody.sock") }
    try await GatewayFixture.with(setup) { fixture in
      for dialect in DialectCall.allCases {
        for isStream in [false, true] {
          let reply = try await fixture.ask(
            dialect, "x", isStream: isStream, headers: [("x-assay-max-retries", "0")])
          #expect(reply.status == 503 && reply.reason == "PROVIDER_UNAVAILABLE", "\(reply.text)")
          #expect(dialect.error(reply.json).message?.isEmpty == false)
        }
      }
      // Nothing was sent: nothing is held against anybody.
      let (report, _) = try await fixture.closed()
      #expect(report.settled == .zero && report.uncertain == .zero && report.lines == 6)
    }
  }
}
