import GRPCFormat
import GatewayContract
import GatewayFixtures
import GatewayProviders
import HTTPClient
import JSON
import MeshAddressing
import RPC
import ScoreContract
import TestSupport
import Testing

/// What several calls begin with is written once and read by the others, by the provider's bill.
@Suite(.timeLimit(.minutes(3))) struct PromptCacheTests {
  /// What a kind of token costs, in parts of fresh input.
  private struct Prefix {
    var fresh: Double = 0
    var paid: Double = 0
    var reads = 0
    var writes = 0

    /// What was saved of the shared prefix, which `tokens` are sent each time.
    init(_ usages: [JSONValue], tokens: Int) {
      for usage in usages {
        let read = usage["cache_read"]?.intValue ?? 0
        let write = usage["cache_write_5m"]?.intValue ?? 0
        reads += read
        writes += write
        fresh += Double(tokens)
        paid += Double(read) * 0.1 + Double(write) * 1.25 + Double(max(0, tokens - read - write))
      }
    }

    var saved: Double { 1 - paid / fresh }
  }

  private static let document = (0..<2_000).map { "Line \($0) of the document." }
    .joined(separator: "\n")
  private static let schema: JSONValue = [
    "type": "object", "additionalProperties": false, "required": ["score"],
    "properties": ["score": ["type": "integer", "enum": [1, 2, 3]]],
  ]

  private func criterion(
    _ index: Int, reuses: UInt32 = 9, isMarked: Bool = true, document: String = document
  ) -> GenerateRequest {
    GenerateRequest(
      callKey: "criterion-\(index)", runId: "run-1", model: "claude-haiku-4-5",
      blocks: [
        Block(role: .system, text: "You score."),
        Block(role: .user, text: document, isCacheBreakpoint: isMarked),
        Block(role: .user, text: "Criterion \(index): is it sound?"),
      ],
      output: OutputSpec(mode: .jsonSchema, schema: Self.schema.bytes()), outputTokensMax: 200,
      policy: CallPolicy(prefixReuses: reuses))
  }

  private func with(
    _ body: (GatewayFixture, @escaping @Sendable (GenerateRequest) async throws -> GenerateResponse)
      async throws -> Void
  ) async throws {
    try await GatewayFixture.with { fixture in
      let channel = Channel(to: .unix(path: "\(fixture.folder)/gw.sock"), on: fixture.loop)
      let client = GatewayClient(channel)
      var options = CallOptions()
      _ = options.metadata.add("assay-product", "demo")
      let asked = options
      try await body(fixture) { try await client.generate($0, options: asked) }
      await channel.shutDown()
    }
  }

  private func all(
    _ requests: [GenerateRequest],
    _ ask: @escaping @Sendable (GenerateRequest) async throws -> GenerateResponse
  ) async throws -> [GenerateResponse] {
    try await withThrowingTaskGroup(of: GenerateResponse.self) { group in
      for request in requests { group.addTask { try await ask(request) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
  }

  @Test(arguments: [true, false])
  func `ten criteria over one document pay for it little more than twice`(isMarked: Bool)
    async throws
  {
    try await with { fixture, ask in
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 150]]])
      let responses = try await all(
        (0..<10).map { criterion($0, isMarked: isMarked) }, ask)
      let usages = try await fixture.usages()
      #expect(usages.count == 10)
      let tokens = usages.map { $0["cache_write_5m"]?.intValue ?? 0 }.max() ?? 0
      #expect(tokens > 4_096)
      let prefix = Prefix(usages, tokens: tokens)
      #expect(prefix.saved >= 0.75, "\(prefix.saved): \(usages)")
      #expect(prefix.writes == tokens && prefix.reads == 9 * tokens)
      // What the run is told is what the bill says, token by token and to the nano-dollar.
      let told = responses.compactMap(\.usage)
      #expect(told.reduce(0) { $0 + Int($1.cacheReadTokens) } == prefix.reads)
      #expect(told.reduce(0) { $0 + Int($1.cacheWriteTokens) } == prefix.writes)
      let bill = try await fixture.bill().values.reduce(0) { $0 + $1.cost }
      #expect(told.reduce(0) { $0 + $1.costNanos } == bill)
      // Nothing was expected that did not come.
      #expect(responses.reduce(0) { $0 + Int($1.cacheReadPredicted) } == prefix.reads)
      let metrics = try await fixture.metrics()
      for kind in ["read", "read_predicted"] {
        let name = "assay_gateway_prompt_tokens_total{product=\"demo\",kind=\"\(kind)\"}"
        #expect(metrics.contains("\(name) \(prefix.reads)"), "\(metrics)")
      }
    }
  }

  @Test func `a call that stands alone is not marked, and pays no surcharge`() async throws {
    try await with { fixture, ask in
      _ = try await ask(criterion(1, reuses: 0))
      let usage = try #require(try await fixture.usages().first)
      #expect(usage["cache_write_5m"] == 0 && usage["cache_read"] == 0)
      // The second shows that there are more.
      _ = try await ask(criterion(2, reuses: 0))
      _ = try await ask(criterion(3, reuses: 0))
      let usages = try await fixture.usages()
      #expect((usages[1]["cache_write_5m"]?.intValue ?? 0) > 4_096)
      #expect(usages[2]["cache_read"] == usages[1]["cache_write_5m"])
    }
  }

  @Test func `when the one that writes fails, another does`() async throws {
    try await with { fixture, ask in
      try await fixture.script([
        ["fault": "bad-request", "times": 1, "with": ["delay_ms": 50]],
        ["fault": "delay", "with": ["delay_ms": 100]],
      ])
      let outcomes = await withTaskGroup(of: Bool.self) { group in
        for index in 0..<6 {
          group.addTask { (try? await ask(criterion(index, reuses: 5))) != nil }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(outcomes.filter { !$0 }.count == 1)
      let usages = try await fixture.usages()
      let writes = usages.filter { ($0["cache_write_5m"]?.intValue ?? 0) > 0 }
      #expect(writes.count == 1, "\(usages)")
      #expect(usages.filter { ($0["cache_read"]?.intValue ?? 0) > 0 }.count == 4)
    }
  }

  @Test func `streams let the others go at their first byte`() async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": "slow-drip", "with": ["delay_ms": 1]]])
      let replies = try await withThrowingTaskGroup(of: GatewayFixture.Reply.self) { group in
        for index in 0..<5 {
          group.addTask {
            try await fixture.ask(
              "/v1/messages", Self.body("Question \(index)", isStream: true),
              headers: [("x-assay-prefix-reuses", "4")])
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(replies.allSatisfy { $0.status == 200 })
      let usages = try await fixture.usages()
      let final = usages.filter { ($0["cache_write_5m"]?.intValue ?? 0) > 0 }
      #expect(final.count == 1, "\(usages)")
      #expect(usages.filter { ($0["cache_read"]?.intValue ?? 0) > 0 }.count == 4)
    }
  }

  @Test func `marks of the caller's stay to the byte, and nobody else's are added`() async throws {
    try await RecordingProvider.with { fixture, provider in
      let text = String(repeating: "long ", count: 10_000)
      let own =
        #"{"model":"claude-haiku-4-5","max_tokens":5,"system":[{"type":"text","text":"\#(text)","#
        + #""cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"q"}]}"#
      let hint = [("x-assay-prefix-reuses", "9")]
      _ = try await fixture.raw("/v1/messages", Array(own.utf8), headers: hint)
      #expect(provider.bodies.last == own)
      let other = String(repeating: "much ", count: 10_000)
      let plain =
        #"{"model":"claude-haiku-4-5", "max_tokens":5,"system":"\#(other)","messages":"#
        + #"[{"role":"user","content":"q"}]}"#
      _ = try await fixture.raw("/v1/messages", Array(plain.utf8))
      #expect(provider.bodies.last == plain)
      _ = try await fixture.raw(
        "/v1/messages", Array(plain.replacing(#""q""#, with: #""r""#).utf8), headers: hint)
      let block =
        #"[{"type":"text","text":"\#(other)","cache_control":{"type":"ephemeral"}}]"#
      #expect(
        provider.bodies.last
          == plain.replacing(#""q""#, with: #""r""#).replacing("\"\(other)\"", with: block))
    }
  }

  @Test func `OpenAI is told by a key which calls begin alike, and writes once too`() async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 100]]])
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<5 {
          group.addTask {
            let body: JSONValue = [
              "model": "gpt-5.6-luna", "max_output_tokens": 20,
              "instructions": .string(Self.document), "input": .string("Question \(index)"),
            ]
            let reply = try await fixture.ask(
              "/v1/responses", body, headers: [("x-assay-prefix-reuses", "4")])
            #expect(reply.status == 200, "\(reply.text)")
          }
        }
        try await group.waitForAll()
      }
      let usages = try await fixture.usages()
      let reads = usages.filter { ($0["cache_read"]?.intValue ?? 0) > 4_096 }
      #expect(reads.count == 4, "\(usages)")
    }
  }

  private static func body(_ question: String, isStream: Bool) -> JSONValue {
    [
      "model": "claude-haiku-4-5", "max_tokens": 20, "stream": .bool(isStream),
      "messages": [
        [
          "role": "user",
          "content": [
            ["type": "text", "text": .string(document)],
            ["type": "text", "text": .string(question)],
          ],
        ]
      ],
    ]
  }
}
