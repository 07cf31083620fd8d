import GatewayFixtures
import HTTPClient
import JSON
import TestSupport
import Testing

/// What a provider can do wrong, and what the caller is told.
@Suite(.timeLimit(.minutes(4))) struct FaultTests {
  /// A fault of the simulator, and how a call ends that meets it every time.
  struct Case: CustomTestStringConvertible, Sendable {
    let fault: String
    let status: Int
    let reason: String
    let isStream: Bool

    init(_ fault: String, _ status: Int, _ reason: String, stream isStream: Bool = false) {
      self.fault = fault
      self.status = status
      self.reason = reason
      self.isStream = isStream
    }

    var testDescription: String { "\(fault)\(isStream ? " in a stream" : "")" }

    static let all: [Case] = [
      .init("rate-limit-junk", 429, "RATE_LIMITED"), .init("spend-limit", 429, "QUOTA_EXHAUSTED"),
      .init("usage-limit", 400, "QUOTA_EXHAUSTED"),
      .init("bad-request", 400, "PROVIDER_REFUSED_REQUEST"),
      .init("unauthorized", 401, "BAD_CREDENTIALS"), .init("billing", 402, "QUOTA_EXHAUSTED"),
      .init("forbidden", 403, "BAD_CREDENTIALS"), .init("not-found", 404, "UNKNOWN_MODEL"),
      .init("conflict", 409, "PROVIDER_ERROR"), .init("too-large", 413, "REQUEST_TOO_LARGE"),
      .init("server-error", 500, "PROVIDER_ERROR"), .init("bad-gateway", 502, "PROVIDER_ERROR"),
      .init("unavailable", 502, "PROVIDER_ERROR"), .init("timeout", 504, "PROVIDER_TIMEOUT"),
      .init("overloaded", 529, "PROVIDER_OVERLOADED"), .init("error-junk", 500, "PROVIDER_ERROR"),
      .init("redirect", 502, "PROVIDER_ERROR"), .init("close", 502, "PROVIDER_ERROR"),
      .init("reset", 502, "PROVIDER_ERROR"), .init("half-close", 502, "PROVIDER_ERROR"),
      .init("bad-status-line", 502, "PROVIDER_ERROR"),
      .init("header-flood", 502, "PROVIDER_ERROR"),
      .init("length-too-long", 502, "PROVIDER_ERROR"),
      .init("bad-chunk", 502, "PROVIDER_ERROR"), .init("no-last-chunk", 502, "PROVIDER_ERROR"),
      .init("body-cut", 502, "PROVIDER_ERROR"), .init("body-reset", 502, "PROVIDER_ERROR"),
      .init("garbage", 502, "PROVIDER_ERROR"), .init("json-cut", 502, "PROVIDER_ERROR"),
      .init("empty-body", 502, "PROVIDER_ERROR"), .init("html", 502, "PROVIDER_ERROR"),
      .init("invalid-utf8", 502, "PROVIDER_ERROR"),
      .init("overloaded", 529, "PROVIDER_OVERLOADED", stream: true),
      .init("close", 502, "PROVIDER_ERROR", stream: true),
    ]
  }

  @Test(arguments: Case.all)
  func `a fault ends in one typed error, and the next call is well`(given: Case) async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": .string(given.fault), "with": ["seconds": 1]]])
      let retries = [("x-assay-max-retries", "0")]
      let reply = try await fixture.message("fault", isStream: given.isStream, headers: retries)
      #expect(reply.status == given.status, "\(reply.text)")
      #expect(reply.reason == given.reason)
      #expect(reply.headers["x-should-retry"] == "false")
      try await fixture.script([])
      // Another product, another bucket: no gate or breaker stands in its way.
      let next = try await fixture.ask(
        "/v1/chat/completions",
        ["model": "gpt-5.6-luna", "messages": [["role": "user", "content": "well"]]])
      #expect(next.status == 200, "\(next.text)")
    }
  }

  @Test(arguments: ["server-error", "overloaded", "rate-limit-ms", "close", "garbage"])
  func `what may work again is asked again, and answered`(fault: String) async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": .string(fault), "times": 1, "with": ["seconds": 0.2]]])
      let reply = try await fixture.message("again")
      #expect(reply.status == 200, "\(reply.text)")
      #expect(reply.headers["x-assay-attempts"] == "2")
    }
  }

  @Test(arguments: ["stream-error", "stream-truncated", "stream-cut", "stream-reset"])
  func `a stream that breaks ends with an error event, and is paid as far as it came`(
    fault: String
  ) async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": .string(fault), "with": ["after": 2]]])
      let reply = try await fixture.message("stream", most: 200, isStream: true)
      #expect(reply.status == 200)
      #expect(reply.text.contains("event: error"), "\(reply.text)")
      #expect(!reply.text.contains("message_stop"))
      try await fixture.script([])
      #expect(try await fixture.message("next", key: "other-key").status == 200)
    }
  }

  @Test(arguments: [
    (#"{"model":"#, 400, "BAD_REQUEST"),
    (#"{"model":"gpt-none","max_tokens":1,"messages":[]}"#, 404, "UNKNOWN_MODEL"),
    (#"{"model":"claude-haiku-4-5","messages":[]}"#, 400, "BAD_REQUEST"),
    (#"{"model":"gpt-5.6-luna","max_tokens":1,"messages":[]}"#, 400, "OTHER_DIALECT"),
    (
      #"{"model":"claude-haiku-4-5","max_tokens":1,"messages":[],"speed":"fast"}"#, 400,
      "BAD_REQUEST"
    ),
  ])
  func `what is asked wrongly is told so before anything is spent`(
    body: String, status: Int, reason: String
  ) async throws {
    try await GatewayFixture.with { fixture in
      let reply = try await fixture.raw("/v1/messages", Array(body.utf8))
      #expect(reply.status == status)
      #expect(reply.reason == reason)
      #expect(reply.json["type"] == "error")
      #expect(reply.json["error"]?["message"]?.stringValue?.isEmpty == false)
      #expect(try await fixture.bill().isEmpty)
    }
  }
}
