import GatewayContract
import GatewayFixtures
import HTTPClient
import JSON
import MeshAddressing
import RPC
import ScoreContract
import TestSupport
import Testing

/// What users complain of: caches that lie, and prompts that a provider cannot cache.
@Suite(.timeLimit(.minutes(2))) struct ComplaintsOfCachingTests {
  private static let tool: JSONValue = [
    "name": "look", "description": "Looks.",
    "input_schema": ["type": "object", "properties": ["at": ["type": "string"]]],
  ]

  /// Requests that differ in one thing each, which changes what is answered.
  private static let variants: [(dialect: DialectCall, members: [JSONObject])] = [
    (
      .messages,
      [
        [:], ["max_tokens": 901], ["temperature": 0.5], ["temperature": 0.25], ["top_p": 0.5],
        ["top_k": 5], ["stop_sequences": ["END"]], ["system": "Be brief."], ["tools": [tool]],
        ["tools": [tool], "tool_choice": ["type": "none"]],
        ["thinking": ["type": "enabled", "budget_tokens": 500]],
        ["output_config": ["effort": "low"]], ["service_tier": "standard_only"],
        ["later_member": 1], ["later_member": ["deep": [true, .null]]],
      ]
    ),
    (
      .chat,
      [
        [:], ["max_completion_tokens": 901], ["reasoning_effort": "low"],
        ["reasoning_effort": "high"], ["temperature": 0.5], ["top_p": 0.5], ["seed": 7],
        ["stop": ["END"]], ["verbosity": "low"], ["presence_penalty": 0.5],
        ["response_format": ["type": "json_object"]], ["service_tier": "default"],
        ["logit_bias": ["50": 1]], ["provider_options": ["order": ["a", "b"]]],
      ]
    ),
    (
      .responses,
      [
        [:], ["max_output_tokens": 901], ["reasoning": ["effort": "low"]],
        ["reasoning": ["effort": "high"]], ["temperature": 0.5], ["instructions": "Be brief."],
        ["text": ["verbosity": "low"]], ["top_p": 0.5], ["truncation": "auto"],
        ["provider_options": ["order": ["a"]]],
      ]
    ),
  ]

  @Test func `complaint 14: every parameter is in a cache's key, and the same is found again`()
    async throws
  {
    try await GatewayFixture.with { fixture in
      var asked = 0
      for (dialect, variants) in Self.variants {
        for members in variants {
          let body = dialect.body("the same", most: 900, members)
          let first = try await fixture.ask(dialect.path, body)
          #expect(first.status == 200, "\(members): \(first.text)")
          #expect(first.headers["x-assay-cache"] == "miss", "\(members)")
          let again = try await fixture.ask(dialect.path, body)
          #expect(again.headers["x-assay-cache"] == "hit" && again.body == first.body, "\(members)")
          asked += 1
        }
      }
      // A header that changes what a provider does is a parameter too.
      for beta in ["one-2026-01-01", "two-2026-01-01"] {
        let reply = try await fixture.ask(
          "/v1/messages", DialectCall.messages.body("the same", most: 900),
          headers: [("anthropic-beta", beta)])
        #expect(reply.headers["x-assay-cache"] == "miss")
        asked += 1
      }
      #expect(try await fixture.bill().count == asked)
    }
  }

  @Test(arguments: [
    "server-error", "overloaded", "rate-limit-ms", "bad-request", "refusal", "max-tokens",
    "json-cut", "close", "stream-error", "stream-overloaded", "stream-truncated", "stream-no-end",
  ])
  func `complaint 15: an error is given to who asked, and never again`(fault: String)
    async throws
  {
    try await GatewayFixture.with { fixture in
      let isStream = fault.hasPrefix("stream-")
      for (round, key) in [nil, "call-key"].enumerated() {
        try await fixture.script([
          ["fault": .string(fault), "times": 1, "with": ["seconds": 0.1, "after": 2]]
        ])
        let headers =
          [("x-assay-max-retries", "0")] + (key.map { [("x-assay-call-key", $0)] } ?? [])
        func ask() async throws -> GatewayFixture.Reply {
          try await fixture.message(
            "round \(round)", most: 900, isStream: isStream, headers: headers)
        }
        let first = try await ask()
        #expect(try await fixture.strikes() == 1)
        let second = try await ask()
        // An answer that ended early was paid under its name, and is what that name was answered.
        let isPaid = key != nil && ["refusal", "max-tokens"].contains(fault)
        #expect(second.headers["x-assay-cache"] == (isPaid ? "replay" : "miss"), "\(second.text)")
        #expect(second.status == 200 && (isPaid || second.body != first.body))
        if isPaid { continue }
        let third = try await ask()
        #expect(third.headers["x-assay-cache"] == (key == nil ? "hit" : "replay"))
        #expect(third.body == second.body)
      }
    }
  }

  private func scored(_ index: Int, document: String) -> GenerateRequest {
    let schema: JSONValue = [
      "type": "object", "additionalProperties": false, "required": ["score", "evidence", "note"],
      "properties": [
        "score": ["type": "integer"], "evidence": ["type": "string"], "note": ["type": "string"],
        "zeta": ["type": "string"], "alpha": ["type": "string"], "mu": ["type": "string"],
      ],
    ]
    return GenerateRequest(
      model: "claude-haiku-4-5",
      blocks: [
        Block(role: .system, text: "You score."),
        Block(role: .user, text: document, isCacheBreakpoint: true),
        Block(role: .user, text: "criterion-\(index)"),
      ],
      output: OutputSpec(mode: .jsonSchema, schema: schema.bytes()), outputTokensMax: 100,
      tools: [Tool(name: "look", description: "Looks.", schema: schema.bytes())],
      policy: CallPolicy(prefixReuses: 9))
  }

  @Test func `complaint 17: a prompt has the same bytes each time, in every process`()
    async throws
  {
    let document = String(repeating: "A line of the document. ", count: 900)
    let own =
      #"{"z":1, "messages":[{"content":"order","role":"user"}],"#
      + "\n" + #""max_tokens":32,"model":"claude-haiku-4-5","a":{"y":1.0,"b":2e3,"Ω":"\u00e9"}}"#
    try await RecordingProvider.with(rounds: 3) { fixture, provider in
      let reply = try await fixture.raw(
        "/v1/messages", Array(own.utf8), headers: [("x-assay-cache", "bypass")])
      #expect(reply.status == 200 && provider.bodies.last == own)
      let channel = Channel(to: .unix(path: "\(fixture.folder)/gw.sock"), on: fixture.loop)
      for index in 0..<4 {
        var request = scored(index, document: document)
        request.policy?.cache = .bypass
        _ = try await GatewayClient(channel).generate(
          request, options: AccountFixture.product("demo"))
      }
      await channel.shutDown()
    } after: { provider in
      let written = provider.bodies.filter { $0 != own }
      #expect(written.count == 12)
      let beginnings = try written.map { body in
        let end = try #require(body.firstRange(of: "criterion-"))
        // A mark says what to cache, and is none of what is cached.
        return body[..<end.lowerBound].replacing(
          #","cache_control":{"type":"ephemeral"}"#, with: "")
      }
      let kinds = Set(beginnings.map { $0.replacing(document, with: "…") })
      #expect(kinds.count == 1, "\(kinds)")
      // In the order in which a provider puts its prefix together.
      let places = ["\"tools\"", "\"system\"", "\"messages\""].compactMap {
        beginnings[0].firstRange(of: $0)?.lowerBound
      }
      #expect(places.count == 3 && places == places.sorted())
    }
  }

  private static let long = String(repeating: "A sentence that is read again. ", count: 900)

  private func marked(_ marks: Int) -> JSONValue {
    let blocks: [JSONValue] = (0..<6).map { index in
      var block: JSONObject = ["type": "text", "text": .string("\(index) \(Self.long)")]
      if index < marks { block["cache_control"] = ["type": "ephemeral"] }
      return .object(block)
    }
    let messages: JSONValue = [["role": "user", "content": .array(blocks)]]
    return DialectCall.messages.body("", ["messages": messages])
  }

  private func marks(_ body: String) -> Int { body.ranges(of: "\"cache_control\"").count }

  @Test func `complaint 20: a caller's cache marks stay, and there are never more than four`()
    async throws
  {
    try await RecordingProvider.with { fixture, provider in
      let many = [("x-assay-prefix-reuses", "9"), ("x-assay-cache", "bypass")]
      for count in 0...5 {
        let asked = marked(count)
        #expect(try await fixture.ask("/v1/messages", asked, headers: many).status == 200)
        let sent = try #require(provider.bodies.last)
        #expect(marks(sent) <= max(4, count), "\(count) became \(marks(sent))")
        // Each mark of the caller's is where it was.
        let blocks = try JSONValue(parsing: sent)["messages"]?[0]?["content"]?.arrayValue ?? []
        let kept = blocks.prefix(count).count { $0["cache_control"] != nil }
        #expect(blocks.count == 6 && kept == count)
        if count >= 4 { #expect(sent == String(decoding: asked.bytes(), as: UTF8.self)) }
      }
      let channel = Channel(to: .unix(path: "\(fixture.folder)/gw.sock"), on: fixture.loop)
      for count in [3, 4, 5, 8] {
        var request = GenerateRequest(
          model: "claude-haiku-4-5", outputTokensMax: 10, policy: CallPolicy(prefixReuses: 9))
        request.blocks = (0..<8).map { index in
          Block(
            role: .user, text: "\(count) \(index) \(Self.long)", isCacheBreakpoint: index < count)
        }
        _ = try await GatewayClient(channel).generate(
          request, options: AccountFixture.product("demo"))
        let sent = marks(try #require(provider.bodies.last))
        #expect((1...4).contains(sent), "\(count) became \(sent)")
      }
      await channel.shutDown()
    }
  }

  @Test func `complaint 20: a fifth mark of the caller's is the provider's refusal, told`()
    async throws
  {
    try await GatewayFixture.with { fixture in
      #expect(try await fixture.ask("/v1/messages", marked(4)).status == 200)
      let refused = try await fixture.ask("/v1/messages", marked(5))
      #expect(refused.status == 400 && refused.reason == "PROVIDER_REFUSED_REQUEST")
      #expect(refused.text.contains("cache_control"), "\(refused.text)")
      #expect(try await fixture.bill().count == 1)
    }
  }
}
