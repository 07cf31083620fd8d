import GatewayContract
import GatewayFixtures
import HTTPClient
import JSON
import RPC
import TestSupport
import Testing

/// What users complain of: limits that count wrongly, and retries that nobody counts.
@Suite(.timeLimit(.minutes(3))) struct ComplaintsOfLimitsTests {
  private static let hasty = [("x-assay-timeout-ms", "50")]
  private static let none = [("x-assay-max-retries", "0")]

  /// Two providers of the same models, told apart by the keys that they are asked with.
  private static let pair = GatewaySetup { provider, _ in
    """
    providers:
      first:
        dialect: [anthropic, openai]
        url: \(provider)
        internal: true
        keys: {main: {text: sim-first}}
      second:
        dialect: [anthropic, openai]
        url: \(provider)
        internal: true
        keys: {main: {text: sim-second}}
    products:
      demo:
        keys: {ci: {text: \(GatewayFixture.key)}}
        budget: {total: 1000}
    """
  }

  @Test func `complaint 5: limits hold over all replicas, for a ledger has one gateway`()
    async throws
  {
    try await GatewayFixture.with(limits: "requests_per_minute: 3") { fixture in
      #expect(try await fixture.message("one").status == 200)
      var environment = GatewayFixture.environment(fixture.folder, "process")
      environment["ASSAY_MESH_LISTEN"] = "unix:\(fixture.folder)/second.sock"
      environment["ASSAY_GATEWAY_LISTEN"] = "unix:\(fixture.folder)/second-http.sock"
      let second = try await ChildTool.run(
        try BuildPlace.executable("assay-gateway"), [], environment: environment)
      #expect(!second.isSuccess)
      #expect(second.errorLines.contains { $0.contains("LEDGER_IN_USE") }, "\(second.lastWords)")
      #expect(second.errorLines.contains { $0.contains("stop the other") }, "\(second.lastWords)")
      #expect(!second.errorLines.contains { $0.contains("\"ready\"") })
      // The first has not felt it, and its three are three.
      let replies = try await fixture.together(6) {
        try await fixture.message("more \($0)", headers: [("x-assay-timeout-ms", "300")])
      }
      #expect(replies.count { $0.status == 200 } == 2)
      #expect(try await fixture.log().count == 3)
    }
  }

  @Test func `complaint 6: what is refused consumes nothing, and what is made counts once`()
    async throws
  {
    let limits = "requests_per_minute: 6\n    concurrency: 1\n    input_tokens_per_minute: 9000"
    try await GatewayFixture.with(budget: "total: 0.1", limits: limits) { fixture in
      // Too dear for the budget, too large for a limit, of an unknown model, or no request.
      for index in 0..<10 {
        let dear = try await fixture.message("dear \(index)", most: 64_000)
        #expect(dear.reason == "BUDGET_EXHAUSTED", "\(dear.text)")
        let long = try await fixture.message(String(repeating: "long ", count: 2_500))
        #expect(long.status == 413 && long.reason == "REQUEST_TOO_LARGE", "\(long.text)")
        #expect(try await fixture.raw("/v1/messages", Array("{".utf8)).status == 400)
      }
      // Refused because another has the only place.
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 400]]])
      async let first = fixture.message("first", most: 8)
      try await eventually("the first is asked", on: fixture.loop) {
        try await fixture.strikes() == 1
      }
      let crowd = try await fixture.together(10) {
        try await fixture.message("crowd \($0)", most: 8, headers: Self.hasty)
      }
      #expect(crowd.allSatisfy { $0.reason == "WAITED_TOO_LONG" }, "\(crowd.map(\.text))")
      #expect(try await first.status == 200)
      // What a provider fails at is a request that was made.
      try await fixture.script([["fault": "server-error", "times": 1]])
      #expect(try await fixture.message("failed", most: 8, headers: Self.none).status == 500)
      for index in 0..<4 {
        #expect(try await fixture.message("\(index)", most: 8, headers: Self.hasty).status == 200)
      }
      let over = try await fixture.message("over", most: 8, headers: Self.hasty)
      #expect(over.reason == "WAITED_TOO_LONG")
      #expect(try await fixture.log().count == 6)
    }
  }

  /// A form in which a provider says when to come back, and how long that is at least.
  struct Form: CustomTestStringConvertible, Sendable {
    let fault: String
    let seconds: Double
    let least: Double

    var testDescription: String { fault }

    static let all = [
      Form(fault: "rate-limit-seconds", seconds: 1, least: 1),
      Form(fault: "rate-limit-float", seconds: 0.3, least: 0.3),
      Form(fault: "rate-limit-ms", seconds: 0.25, least: 0.25),
      // A date has whole seconds: of two, up to one is over when it is said.
      Form(fault: "rate-limit-date", seconds: 2, least: 1),
    ]
  }

  @Test(arguments: Form.all)
  func `complaint 16: a retry-after is obeyed in every form, by all who ask`(form: Form)
    async throws
  {
    try await GatewayFixture.with { fixture in
      try await fixture.script([
        ["fault": .string(form.fault), "times": 1, "with": ["seconds": .number(form.seconds)]]
      ])
      async let first = fixture.message("first")
      try await eventually("the first is refused", on: fixture.loop) {
        try await fixture.logged().first?.status == 429
      }
      let others = try await fixture.together(4) { try await fixture.message("other \($0)") }
      #expect(try await first.status == 200)
      #expect(others.allSatisfy { $0.status == 200 })
      let calls = try await fixture.logged()
      #expect(calls.count == 6 && calls.count { $0.status == 429 } == 1)
      let refused = try #require(calls.first)
      let early = calls.dropFirst().filter {
        Double($0.arrival - refused.finished) < form.least * 1e9
      }
      // Those that were on their way before anybody knew are none here: one was asked alone.
      #expect(early.isEmpty, "\(early.map { $0.arrival - refused.finished })")
    }
  }

  @Test func `complaint 16: the gateway's own refusals say when to come back`() async throws {
    try await GatewayFixture.with(limits: "requests_per_minute: 1") { fixture in
      #expect(try await fixture.message("one").status == 200)
      for isStream in [false, true] {
        let refused = try await fixture.message(
          "two", isStream: isStream, headers: [("x-assay-timeout-ms", "100")])
        #expect(refused.status == 504 && refused.reason == "WAITED_TOO_LONG")
        let after = try #require(refused.headers["retry-after"].flatMap { Int($0) })
        #expect((2...70).contains(after))
        #expect(refused.headers["x-should-retry"] == "true")
        #expect(!refused.text.contains("paid all the same"), "\(refused.text)")
      }
      #expect(try await fixture.log().count == 1)
    }
  }

  @Test(arguments: [
    "rate-limit-seconds", "rate-limit", "overloaded", "server-error", "unavailable", "close",
    "garbage", "spend-limit", "unauthorized",
  ])
  func `complaint 18: another provider takes over at once, whatever the first fails of`(
    fault: String
  ) async throws {
    try await GatewayFixture.with(Self.pair) { fixture in
      try await fixture.script([
        [
          "fault": .string(fault), "match": ["key": "sim-first"],
          "with": ["seconds": 3_000, "after": 2],
        ]
      ])
      for (number, isStream) in [false, true].enumerated() {
        // Within a patience in which nobody could wait for the first.
        let reply = try await fixture.message(
          "over \(isStream)", isStream: isStream, headers: [("x-assay-timeout-ms", "9000")])
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply.headers["x-assay-provider"] == "second")
        if number == 0 { #expect(reply.headers["x-assay-attempts"] == "2") }
      }
      let calls = try await fixture.logged()
      #expect(calls.prefix(2).map(\.key) == ["sim-first", "sim-second"])
      #expect(calls.count { $0.key == "sim-second" } == 2)
      // Who forbids it is told what the one has said.
      let alone = [("x-assay-failover", "forbidden"), ("x-assay-timeout-ms", "200")]
      let bound = try await fixture.message("bound", headers: alone + Self.none)
      #expect(bound.status != 200)
      #expect(try await fixture.logged().count { $0.key == "sim-second" } == 2)
    }
  }

  @Test func `complaint 19: a call is made so often and no more, over providers and SDKs`()
    async throws
  {
    try await GatewayFixture.with(Self.pair) { fixture in
      try await fixture.script([["fault": "conflict"]])
      let reply = try await fixture.message("twice", headers: [("x-assay-max-retries", "2")])
      #expect(reply.status == 409 && reply.headers["x-should-retry"] == "false")
      #expect(reply.headers["x-assay-attempts"] == "3")
      // A second provider is a way for the same three attempts, not three more.
      let calls = try await fixture.logged()
      #expect(calls.map(\.key) == ["sim-first", "sim-second", "sim-first"])
      // A stock client, which asks twice more by itself where nobody says that it should not.
      let script = """
        import anthropic, sys
        client = anthropic.Anthropic(base_url=sys.argv[1], api_key=sys.argv[2],
                                     default_headers={"x-assay-max-retries": "0"})
        try:
            client.messages.create(model="claude-haiku-4-5", max_tokens=8,
                                   messages=[{"role": "user", "content": "sdk"}])
        except anthropic.APIStatusError as error:
            print(error.status_code)
        """
      let output = try await ChildTool.run(
        try BuildPlace.python(), ["-c", script, fixture.address, GatewayFixture.key])
      #expect(output.lines == ["409"], "\(output.lastWords)")
      #expect(try await fixture.log().count == 4)
    }
  }
}
