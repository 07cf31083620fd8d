import EventLoop
import Faults
import GRPCFormat
import GatewayContract
import GatewayFixtures
import JSON
import MeshAddressing
import RPC
import ScoreContract
import TestSupport
import Testing

/// The gateway as the mesh calls it.
@Suite(.timeLimit(.minutes(2))) struct MeshCallTests {
  private static let schema: JSONValue = [
    "type": "object", "additionalProperties": false, "required": ["score"],
    "properties": ["score": ["type": "integer", "enum": [1, 2, 3]]],
  ]

  private func request(_ key: String, _ text: String = "Score the kitchen.") -> GenerateRequest {
    GenerateRequest(
      callKey: key, model: "claude-haiku-4-5",
      blocks: [
        Block(role: .system, text: "You score.", isCacheBreakpoint: true),
        Block(role: .user, text: text),
      ],
      output: OutputSpec(mode: .jsonSchema, schema: Self.schema.bytes()), outputTokensMax: 200)
  }

  private var options: CallOptions {
    var options = CallOptions()
    _ = options.metadata.add("assay-product", "demo")
    return options
  }

  private func with(
    _ body: (GatewayFixture, GatewayClient) async throws -> Void
  ) async throws {
    try await GatewayFixture.with { fixture in
      let channel = Channel(to: .unix(path: "\(fixture.folder)/gw.sock"), on: fixture.loop)
      try await body(fixture, GatewayClient(channel))
      await channel.shutDown()
    }
  }

  private func streamed(
    _ client: GatewayClient, _ request: GenerateRequest
  ) async throws -> (text: String, last: GenerateResponse?) {
    var text = ""
    var last: GenerateResponse?
    for try await event in client.generateStream(request, options: options) {
      switch event.kind {
      case .text(let piece): text += piece
      case .finished(let response): last = response
      default: break
      }
    }
    return (text, last)
  }

  @Test func `a call is answered, billed once, and the same when it is asked for again`()
    async throws
  {
    try await with { fixture, client in
      let first = try await client.generate(request("one"), options: options)
      let answer = try JSONValue(parsing: first.text)
      #expect((1...3).contains(answer["score"]?.intValue ?? 0))
      #expect(first.finish == .stop && !first.isReplay && first.attempts == 1)
      #expect(first.usage?.completeness == .exact)
      let again = try await client.generate(request("one"), options: options)
      #expect(again.isReplay && again.text == first.text && again.finish == .stop)
      #expect(again.usage == first.usage)
      let told = try await client.getCall(GetCallRequest(callKey: "one"), options: options)
      #expect(told.state == .settled && told.response?.text == first.text)
      #expect(told.response?.finish == .stop)
      let bill = try await fixture.bill()
      #expect(bill.count == 1)
      #expect(bill.values.first?.cost == first.usage?.costNanos)
      let unknown = try await client.getCall(GetCallRequest(callKey: "none"), options: options)
      #expect(unknown.state == .unknownCall)
    }
  }

  @Test func `a stream tells the answer, and either way gives what the other has made`()
    async throws
  {
    try await with { fixture, client in
      let streamed = try await streamed(client, request("s"))
      let last = try #require(streamed.last)
      #expect(streamed.text == last.text && !last.text.isEmpty && last.finish == .stop)
      let whole = try await client.generate(request("s"), options: options)
      #expect(whole.isReplay && whole.text == last.text && whole.finish == .stop)
      let made = try await client.generate(request("w", "Score the roof."), options: options)
      let replay = try await self.streamed(client, request("w", "Score the roof."))
      #expect(replay.text == made.text && replay.last?.text == made.text)
      #expect(replay.last?.isReplay == true)
      #expect(try await fixture.bill().count == 2)
    }
  }

  @Test func `a quote bounds what the call costs, and spends nothing`() async throws {
    try await with { fixture, client in
      let quote = try await client.quote(request("q"), options: options)
      #expect(quote.refusal.isEmpty)
      let counted = try await client.countTokens(request("q"), options: options)
      #expect(counted.isCounted && counted.inputTokens <= quote.inputTokensMax)
      #expect(try await fixture.bill().isEmpty)
      let made = try await client.generate(request("q"), options: options)
      #expect((made.usage?.costNanos ?? .max) <= quote.costNanosMax)
      #expect(made.usage?.inputTokens == counted.inputTokens)
      let models = try await client.listModels(ListModelsRequest(), options: options).models
      #expect(models.contains { $0.name == "claude-haiku-4-5" && ($0.price?.inputNanos ?? 0) > 0 })
    }
  }

  @Test(arguments: [
    ("gpt-none", "UNKNOWN_MODEL", "demo"), ("claude-haiku-4-5", "UNKNOWN_PRODUCT", "stranger"),
  ])
  func `what is not known is refused by its reason`(
    model: String, reason: String, product: String
  ) async throws {
    try await with { fixture, client in
      var asked = request("x")
      asked.model = model
      var options = CallOptions()
      _ = options.metadata.add("assay-product", product)
      var refusal: Fault?
      do {
        _ = try await client.generate(asked, options: options)
      } catch let fault as Fault {
        refusal = fault
      }
      #expect(refusal?.reason == reason)
      #expect(try await fixture.bill().isEmpty)
    }
  }
}
