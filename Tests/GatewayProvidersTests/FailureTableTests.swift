import GatewayProviders
import JSON
import Testing

/// Headers of a reply, as a test writes them.
struct SomeHeaders: ReplyHeaders {
  var fields: [(String, String)] = []

  init(_ fields: [(String, String)] = []) { self.fields = fields }

  func value(of name: StaticString) -> String? {
    fields.first { $0.0.lowercased() == name.description.lowercased() }?.1
  }
}

/// One error as a provider sends it, and what it means.
struct ErrorCase: CustomTestStringConvertible, Sendable {
  let family: ProviderFamily
  let status: Int
  let body: String
  let retryAfter: String?
  let cause: FailureCause

  init(
    _ family: ProviderFamily, _ status: Int, _ body: String, after: String? = nil,
    _ cause: FailureCause
  ) {
    self.family = family
    self.status = status
    self.body = body
    self.retryAfter = after
    self.cause = cause
  }

  var testDescription: String { "\(family) \(status) \(body.prefix(60)) → \(cause)" }

  static func anthropic(_ type: String, _ message: String = "m", details: String = "") -> String {
    #"{"type":"error","error":{"type":"\#(type)","message":"\#(message)"\#(details)},"#
      + #""request_id":"req_1"}"#
  }

  static func openAI(_ code: String, type: String = "t") -> String {
    #"{"error":{"message":"m","type":"\#(type)","param":null,"code":"\#(code)"}}"#
  }

  static let all: [ErrorCase] = [
    .init(.anthropic, 400, anthropic("invalid_request_error"), .invalidRequest),
    .init(
      .anthropic, 400,
      anthropic(
        "invalid_request_error", "You have reached your specified API usage limits. You will …"),
      .quotaExhausted),
    .init(
      .anthropic, 400,
      anthropic(
        "invalid_request_error", "You have reached your specified workspace API usage limits."),
      .quotaExhausted),
    .init(
      .anthropic, 400, anthropic("invalid_request_error", "prompt is too long: 250000 tokens"),
      .contextTooLong),
    .init(.anthropic, 401, anthropic("authentication_error"), .keyRejected),
    .init(.anthropic, 402, anthropic("billing_error"), .quotaExhausted),
    .init(.anthropic, 403, anthropic("permission_error"), .keyRejected),
    .init(.anthropic, 404, anthropic("not_found_error"), .unknownModel),
    .init(.anthropic, 409, anthropic("conflict_error"), .conflict),
    .init(.anthropic, 413, anthropic("request_too_large"), .requestTooLarge),
    .init(.anthropic, 413, "<html>too large</html>", .requestTooLarge),
    .init(.anthropic, 429, anthropic("rate_limit_error"), after: "7", .rateLimited),
    .init(.anthropic, 429, anthropic("rate_limit_error"), .rampedTooFast),
    .init(
      .anthropic, 429,
      anthropic(
        "rate_limit_error", details: #","details":{"error_code":"enforced_spend_limit_reached"}"#),
      .quotaExhausted),
    .init(.anthropic, 500, anthropic("api_error"), .serverError),
    .init(.anthropic, 504, anthropic("timeout_error"), .timedOut),
    .init(.anthropic, 529, anthropic("overloaded_error"), .overloaded),
    .init(.anthropic, 502, "bad gateway", .serverError),
    .init(.anthropic, 302, "", .garbage),
    .init(.openAI, 400, openAI("context_length_exceeded"), .contextTooLong),
    .init(.openAI, 400, openAI("invalid_value"), .invalidRequest),
    .init(.openAI, 401, openAI("invalid_api_key"), .keyRejected),
    .init(.openAI, 404, openAI("model_not_found"), .unknownModel),
    .init(.openAI, 422, openAI("unprocessable"), .invalidRequest),
    .init(.openAI, 429, openAI("rate_limit_exceeded"), after: "1", .rateLimited),
    .init(.openAI, 429, openAI("rate_limit_exceeded"), .rateLimited),
    .init(.openAI, 429, openAI("slow_down"), .rampedTooFast),
    .init(.openAI, 429, openAI("credit_balance_exhausted"), .quotaExhausted),
    .init(.openAI, 429, openAI("", type: "insufficient_quota"), after: "1", .quotaExhausted),
    .init(.openAI, 429, openAI("project_spend_limit_exceeded"), .quotaExhausted),
    .init(.openAI, 500, openAI("server_error"), .serverError),
    .init(.openAI, 503, openAI("server_is_overloaded"), .overloaded),
    .init(.openAI, 503, openAI("", type: "server_error"), .serverError),
    .init(.openAI, 418, "", .invalidRequest),
  ]
}

@Suite struct FailureTableTests {
  @Test(arguments: ErrorCase.all)
  func `an error means what the contract says`(given: ErrorCase) {
    let headers = SomeHeaders(given.retryAfter.map { [("Retry-After", $0)] } ?? [])
    let failure = ProviderFailure(
      status: given.status, headers: headers, body: Array(given.body.utf8), family: given.family,
      nowMilliseconds: 0)
    #expect(failure.cause == given.cause)
    #expect((failure.retryAfter != nil) == (given.retryAfter != nil))
  }

  @Test(arguments: [
    ("overloaded_error", FailureCause.overloaded), ("api_error", .serverError),
    ("rate_limit_error", .rateLimited), ("invalid_request_error", .invalidRequest),
    ("something_new", .serverError),
  ])
  func `an error within a stream means the same`(type: String, cause: FailureCause) throws {
    let event = try JSONValue(parsing: ErrorCase.anthropic(type))
    let failure = ProviderFailure(event: event, family: .anthropic)
    #expect(failure.cause == cause)
    #expect(failure.status == nil)
    #expect(failure.requestID == "req_1")
  }

  @Test func `what is spent is never asked again, and nothing invalid goes elsewhere`() {
    for cause in FailureCause.allCases {
      if cause == .quotaExhausted || cause == .keyRejected { #expect(!cause.mayWorkAgain) }
      if !cause.mayWorkElsewhere { #expect(!cause.mayWorkAgain, "\(cause)") }
      #expect(!cause.reason.isEmpty)
    }
  }

  @Test func `a long message is cut between characters`() {
    let body = ErrorCase.anthropic("api_error", String(repeating: "é", count: 3_000))
    let failure = ProviderFailure(
      status: 500, headers: SomeHeaders(), body: Array(body.utf8), family: .anthropic,
      nowMilliseconds: 0)
    #expect(failure.message.utf8.count == 2_000)
    #expect(failure.message.allSatisfy { $0 == "é" })
  }
}

@Suite struct RetryAfterTests {
  /// 1994-11-06T08:49:37Z.
  private static let moment: Int64 = 784_111_777_000

  @Test(arguments: [
    ([("retry-after", "7")], Duration.seconds(7)),
    ([("retry-after", " 0.5 ")], .milliseconds(500)),
    ([("retry-after-ms", "1500")], .milliseconds(1500)),
    ([("retry-after-ms", "20"), ("retry-after", "9")], .milliseconds(20)),
    ([("Retry-After", "Sun, 06 Nov 1994 08:49:47 GMT")], .seconds(10)),
    ([("retry-after", "Sun, 06 Nov 1994 08:49:17 GMT")], .zero),
    ([("retry-after", "999999")], .seconds(86_400)),
    ([("retry-after", "0")], .zero),
  ])
  func `every form of it is read`(fields: [(String, String)], wanted: Duration) {
    #expect(RetryAfter.read(SomeHeaders(fields), nowMilliseconds: Self.moment) == wanted)
  }

  @Test(arguments: [
    "", "soon", "-1", "nan", "inf", "1e400", "0x10", "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "1 2",
  ])
  func `what says nothing is nothing`(text: String) {
    let headers = SomeHeaders([("retry-after", text)])
    #expect(RetryAfter.read(headers, nowMilliseconds: Self.moment) == nil)
  }

  @Test(arguments: [
    ("2026-01-02T03:04:05Z", 1_767_323_045_000), ("2026-01-02T03:04:05.25Z", 1_767_323_045_250),
    ("1970-01-01T00:00:00Z", 0), ("2024-02-29T00:00:00Z", 1_709_164_800_000),
  ])
  func `a moment of the internet is read`(text: String, wanted: Int64) {
    #expect(HTTPDate.millisecondsOfInternetTime(text) == wanted)
  }

  @Test(arguments: [
    ("1s", Duration.seconds(1)), ("6m0s", .seconds(360)), ("20ms", .milliseconds(20)),
    ("1h2m3.5s", .milliseconds(3_723_500)),
  ])
  func `a duration of a bucket is read`(text: String, wanted: Duration) {
    #expect(LimitHeaders.duration(text) == wanted)
    let long = "1s\(String(repeating: "1s", count: 40))"
    // The last was found by a fuzzer: more microseconds than an Int64 has.
    for bad in ["", "1", "s", "1x", "-1s", long, "999999999d"] {
      #expect(LimitHeaders.duration(bad) == nil)
    }
  }

  @Test func `buckets are read in each family's headers`() {
    let anthropic = LimitHeaders(
      SomeHeaders([
        ("anthropic-ratelimit-requests-limit", "1000"),
        ("anthropic-ratelimit-requests-remaining", "999"),
        ("anthropic-ratelimit-input-tokens-remaining", "-5"),
        ("anthropic-ratelimit-requests-reset", "1994-11-06T08:49:38Z"),
      ]), family: .anthropic, nowMilliseconds: Self.moment)
    #expect(
      anthropic.requests == .init(limit: 1000, remaining: 999, resetAfter: .seconds(1)))
    #expect(anthropic.inputTokens == .init())
    let openAI = LimitHeaders(
      SomeHeaders([("x-ratelimit-reset-tokens", "6m0s"), ("x-ratelimit-limit-tokens", "40000")]),
      family: .openAI, nowMilliseconds: Self.moment)
    #expect(openAI.tokens == .init(limit: 40_000, resetAfter: .seconds(360)))
  }
}
