import GatewayAudit
import GatewayContract
import GatewayFixtures
import GatewayValues
import HTTPClient
import JSON
import ScoreContract
import TestSupport
import Testing

/// What comes in wrongly, from callers and from providers: each has its one typed error, in the
/// words of every dialect, and costs what it should.
@Suite(.timeLimit(.minutes(3))) struct BadInputTests {
  private static let demo = BudgetScope(product: "demo")
  private static let none = [("x-assay-max-retries", "0")]

  /// An error as one kind of clients reads it.
  private func check(
    _ reply: GatewayFixture.Reply, _ dialect: DialectCall, _ status: Int, _ reason: String,
    types: (anthropic: String, openAI: String), says words: String = "",
    _ place: SourceLocation = #_sourceLocation
  ) {
    let (type, message) = dialect.error(reply.json)
    #expect(reply.status == status, "\(reply.text)", sourceLocation: place)
    #expect(reply.reason == reason, "\(reply.text)", sourceLocation: place)
    #expect(
      type == (dialect == .messages ? types.anthropic : types.openAI), "\(reply.text)",
      sourceLocation: place)
    #expect(message?.isEmpty == false, sourceLocation: place)
    if !words.isEmpty {
      #expect(message?.contains(words) == true, "\(reply.text)", sourceLocation: place)
    }
  }

  // MARK: - From callers

  @Test(arguments: DialectCall.allCases)
  func `a wrong key, and none, is told before a body is read`(dialect: DialectCall) async throws {
    try await GatewayFixture.with { fixture in
      for key in ["wrong", "", GatewayFixture.key + "x"] {
        let reply = try await fixture.ask(dialect.path, dialect.body("x"), key: key)
        check(
          reply, dialect, 401, "BAD_KEY",
          types: ("authentication_error", "invalid_request_error"), says: "x-api-key")
        if dialect != .messages { #expect(reply.json["error"]?["code"] == "invalid_api_key") }
        #expect(reply.headers["x-should-retry"] == "false")
      }
      #expect(try await fixture.log().isEmpty)
    }
  }

  @Test(arguments: DialectCall.allCases)
  func `an exhausted budget is no rate limit, and is never retried`(
    dialect: DialectCall
  ) async throws {
    try await GatewayFixture.with(budget: "total: 0.000001") { fixture in
      for isStream in [false, true] {
        let reply = try await fixture.ask(dialect, "x", isStream: isStream)
        check(
          reply, dialect, 402, "BUDGET_EXHAUSTED", types: ("billing_error", "insufficient_quota"),
          says: "has $0.000001 left")
        #expect(reply.headers["retry-after"] == nil)
        #expect(reply.headers["x-should-retry"] == "false")
      }
      #expect(try await fixture.log().isEmpty)
    }
  }

  @Test(arguments: DialectCall.allCases)
  func `a model that nobody priced is not found`(dialect: DialectCall) async throws {
    try await GatewayFixture.with { fixture in
      let reply = try await fixture.ask(
        dialect.path, dialect.body("x", ["model": "model-of-tomorrow"]))
      check(
        reply, dialect, 404, "UNKNOWN_MODEL", types: ("not_found_error", "invalid_request_error"),
        says: "model-of-tomorrow")
      if dialect != .messages { #expect(reply.json["error"]?["code"] == "model_not_found") }
      #expect(try await fixture.log().isEmpty)
    }
  }

  @Test(arguments: DialectCall.allCases)
  func `malformed JSON is told with its place`(dialect: DialectCall) async throws {
    let wrong: [(text: String, place: String)] = [
      ("{\n  \"model\": oops\n}", "line 2, column 12 (byte 13)"),
      ("{\"model\":\"m\",}", "line 1, column 14 (byte 13)"),
      ("{\"model\":\"m\"", "line 1, column 13 (byte 12)"), ("", "line 1, column 1 (byte 0)"),
      ("{\"a\":\"\u{1}\"}", "line 1, column 7 (byte 6)"),
      ("{\"a\":\"\\x\"}", "line 1"), ("{\"a\":01}", "line 1"), ("{} {}", "line 1, column 4"),
    ]
    try await GatewayFixture.with { fixture in
      for (text, place) in wrong {
        let reply = try await fixture.raw(dialect.path, Array(text.utf8))
        check(
          reply, dialect, 400, "BAD_REQUEST",
          types: ("invalid_request_error", "invalid_request_error"), says: place)
      }
      // Bytes that are no text, nesting without end, and JSON that is no request.
      let nested = String(repeating: "[", count: 100_000)
      for body in [[0x22, 0xFF, 0x22], Array(nested.utf8), Array("[]".utf8), Array("7".utf8)] {
        let reply = try await fixture.raw(dialect.path, body)
        check(
          reply, dialect, 400, "BAD_REQUEST",
          types: ("invalid_request_error", "invalid_request_error"))
      }
      #expect(try await fixture.log().isEmpty)
    }
  }

  /// With a schema that the dialect's provider does not compile.
  private func unfit(_ dialect: DialectCall) -> JSONObject {
    let schema: JSONValue = [
      "type": "object", "additionalProperties": false, "required": ["score"],
      "properties": ["score": ["type": "integer", "minimum": 1, "not": ["const": 3]]],
    ]
    let named: JSONObject = [
      "type": "json_schema", "name": "score", "strict": true, "schema": schema,
    ]
    return switch dialect {
    case .messages: ["output_config": ["format": ["type": "json_schema", "schema": schema]]]
    case .chat: ["response_format": ["type": "json_schema", "json_schema": .object(named)]]
    case .responses: ["text": ["format": .object(named)]]
    }
  }

  @Test(arguments: DialectCall.allCases)
  func `a schema that a provider cannot take is its refusal, once and for nothing`(
    dialect: DialectCall
  ) async throws {
    try await AccountFixture.with { fixture in
      for isStream in [false, true] {
        let reply = try await fixture.gateway.ask(
          dialect.path, dialect.body("score", isStream: isStream, unfit(dialect)))
        check(
          reply, dialect, 400, "PROVIDER_REFUSED_REQUEST",
          types: ("invalid_request_error", "invalid_request_error"),
          says: dialect == .messages ? "'minimum' is not supported" : "'not' is not permitted")
      }
      #expect(try await fixture.gateway.log().count == 2)
      #expect(try await fixture.lines(2).allSatisfy { $0.state == .void })
    }
  }

  @Test(arguments: DialectCall.allCases)
  func `a body over its limit is refused by its head, or where it passes it`(
    dialect: DialectCall
  ) async throws {
    try await GatewayFixture.with { fixture in
      let large = [UInt8](repeating: 0x20, count: (32 << 20) + 1)
      let reply = try await fixture.raw(dialect.path, large)
      check(
        reply, dialect, 413, "REQUEST_TOO_LARGE",
        types: ("request_too_large", "invalid_request_error"), says: "33554432")
      // One that fits, and holds more values than a request has.
      let many = "{\"a\":[" + Array(repeating: "0", count: 250_000).joined(separator: ",") + "]}"
      check(
        try await fixture.raw(dialect.path, Array(many.utf8)), dialect, 400, "BAD_REQUEST",
        types: ("invalid_request_error", "invalid_request_error"))
      #expect(try await fixture.ask(dialect, "well").status == 200)
      #expect(try await fixture.log().count == 1)
    }
  }

  // MARK: - From providers

  @Test(arguments: DialectCall.allCases)
  func `a usage that is missing is estimated, zero is zero, and an absurd one is the bound`(
    dialect: DialectCall
  ) async throws {
    try await AccountFixture.with { fixture in
      let gateway = fixture.gateway
      let told: [(fault: String, standing: Usage.Completeness)] = [
        ("usage-missing", .estimated), ("usage-zero", .exact), ("usage-absurd", .uncertain),
      ]
      try await gateway.script(
        told.map { ["fault": .string($0.fault), "match": ["contains": .string($0.fault)]] })
      for (fault, standing) in told {
        for isStream in [false, true] {
          let key = "\(fault)-\(isStream)"
          let reply = try await gateway.ask(
            dialect, fault, most: 200, isStream: isStream, headers: [("x-assay-call-key", key)])
          #expect(reply.status == 200, "\(reply.text)")
          var lines: [LedgerLine] = []
          try await eventually("its line is written", on: gateway.loop) {
            lines = try await fixture.account.listLines(ListLinesRequest(callKey: key)).lines
            return !lines.isEmpty
          }
          let line = try #require(lines.first)
          let billed = try await gateway.bill().values.first { $0.callKey == key }?.cost ?? 0
          let cost = line.usage?.costNanos ?? 0
          #expect(line.usage?.completeness == standing, "\(key): \(line)")
          #expect(billed > 0 && line.boundNanos >= billed)
          switch standing {
          case .exact: #expect(cost == 0)
          case .estimated: #expect(cost >= billed && cost <= line.boundNanos, "\(key): \(line)")
          default: #expect(cost == line.boundNanos)
          }
        }
      }
      let budget = try await fixture.account.listBudgets(ListBudgetsRequest(scope: Self.demo))
      #expect(budget.budgets.first?.heldNanos == 0)
    }
  }

  @Test(arguments: DialectCall.allCases)
  func `an error inside a stream of status 200 ends it with one error event`(
    dialect: DialectCall
  ) async throws {
    let faults = [
      "stream-error", "stream-overloaded", "stream-truncated", "stream-cut", "stream-reset",
      "stream-half-close", "stream-garbage", "stream-no-end",
    ]
    try await GatewayFixture.with { fixture in
      try await fixture.script(
        faults.map {
          ["fault": .string($0), "match": ["contains": .string("<\($0)>")], "with": ["after": 2]]
        })
      for fault in faults {
        let reply = try await fixture.ask(dialect, "<\(fault)>", most: 200, isStream: true)
        #expect(reply.status == 200)
        let data = reply.text.split(separator: "\n").filter { $0.hasPrefix("data: ") }
        let events = data.compactMap { try? JSONValue(parsing: String($0.dropFirst(6))) }
        let errors = events.filter { $0["type"] == "error" || ($0["error"] ?? .null) != .null }
        #expect(errors.count == 1 && errors.last == events.last, "\(fault): \(reply.text)")
        let isEnded = ["message_stop", "[DONE]", "response.completed"].contains {
          reply.text.contains($0)
        }
        #expect(!isEnded, "\(fault): \(reply.text)")
        for number in 0..<2 {
          #expect(try await fixture.ask(dialect, "well \(fault) \(number)").status == 200)
        }
      }
      // Paid as far as it came, and never for less than is billed.
      try await fixture.gateway.end()
      let bill = try await fixture.billed()
      let report = try LedgerAudit.run(folder: "\(fixture.folder)/ledger", bill: bill)
      #expect(report.isClean && report.lines == 3 * faults.count)
      let comparison = try #require(report.bill)
      #expect(comparison.missing.isEmpty && comparison.equal >= 2 * faults.count)
      let under = comparison.differences.filter {
        ($0.ledgerCost?.count ?? 0) < ($0.billedCost?.count ?? 0)
      }
      #expect(under.isEmpty, "\(under)")
    }
  }

  @Test(arguments: DialectCall.allCases)
  func `a retry-after in any form is waited for`(dialect: DialectCall) async throws {
    let forms: [(fault: String, seconds: Double, least: Double)] = [
      ("rate-limit-float", 0.2, 0.2), ("rate-limit-ms", 0.15, 0.15),
      ("rate-limit-seconds", 1, 1), ("rate-limit-date", 1, 0),
    ]
    try await GatewayFixture.with { fixture in
      for form in forms {
        try await fixture.script([
          [
            "fault": .string(form.fault), "times": 1, "with": ["seconds": .number(form.seconds)],
          ]
        ])
        let before = try await fixture.log().count
        let reply = try await fixture.ask(dialect, form.fault)
        #expect(reply.status == 200 && reply.headers["x-assay-attempts"] == "2")
        let calls = Array(try await fixture.logged().dropFirst(before))
        #expect(calls.map(\.status) == [429, 200])
        #expect(Double(calls[1].arrival - calls[0].finished) >= form.least * 1e9, "\(form)")
      }
    }
  }

  @Test(arguments: DialectCall.allCases)
  func `a spend limit is never retried, nor asked again`(dialect: DialectCall) async throws {
    for fault in ["spend-limit", "usage-limit", "insufficient-quota", "billing"] {
      // OpenAI has no such status; what it has of this kind are the others.
      if fault == "billing", dialect != .messages { continue }
      try await GatewayFixture.with { fixture in
        try await fixture.script([["fault": .string(fault)]])
        let reply = try await fixture.ask(dialect, "x")
        #expect((400...429).contains(reply.status) && reply.reason == "QUOTA_EXHAUSTED")
        #expect(dialect.error(reply.json).message?.isEmpty == false, "\(reply.text)")
        #expect(reply.headers["x-should-retry"] == "false")
        #expect(reply.headers["retry-after"] == nil)
        let next = try await fixture.ask(dialect, "y", headers: [("x-assay-timeout-ms", "2000")])
        check(
          next, dialect, 402, "QUOTA_EXHAUSTED", types: ("billing_error", "insufficient_quota"))
        #expect(try await fixture.log().count == 1)
      }
    }
  }

  @Test func `a stream without end is read so far behind its caller, and settled once`()
    async throws
  {
    try await EndlessProvider.with { fixture, provider in
      let body = DialectCall.messages.body("on and on", most: 100, isStream: true)
      let client = CutClient(fixture, together: 1)
      #expect(try await client.post("/v1/messages", body, readingAtMost: 2_000) == 2_000)
      // Whoever asked has gone; the gateway reads on for a while, and then goes itself.
      try await eventually("the provider is left", within: .seconds(60), on: fixture.loop) {
        provider.isLeft
      }
      let most = 16 << 20
      #expect((most...most + (4 << 20)).contains(provider.sent), "\(provider.sent)")
    } after: { fixture in
      let report = try LedgerAudit.run(folder: "\(fixture.folder)/ledger")
      #expect(report.isClean && report.lines == 1 && report.settled > .zero)
    }
  }
}
