import JSON
import Testing

@testable import SimulatorModel

/// Tokens and money, by hand.
@Suite struct TokenLawTests {
  @Test func `tokens are what the law says`() throws {
    #expect(TokenLaw.text("") == 0)
    #expect(TokenLaw.text("abcd") == 1)
    #expect(TokenLaw.text("abcde") == 2)
    #expect(TokenLaw.text("é€") == 2)
    #expect(TokenLaw.json(["a": [1, "é", .null], "b": true]) == 7)
    #expect(TokenLaw.pdf(base64ByteCount: 4) == 2000)
    #expect(TokenLaw.pdf(base64ByteCount: 400_000) == 12_000)
    // 3 for the request, 4 for the message, 2 for "hello", 25 for the system.
    #expect(try messages(system: 25).promptTokens == 3 + 4 + 2 + 25)
    let tool: JSONValue = ["name": "t", "input_schema": ["type": "object"]]
    let offered = try messages(more: ["tools": [tool]])
    #expect(offered.promptTokens == 3 + 4 + 2 + 286 + 8 + TokenLaw.json(tool))
    let forced = try messages(more: ["tools": [tool], "tool_choice": ["type": "any"]])
    #expect(forced.promptTokens == offered.promptTokens - 286 + 406)
    #expect(
      try messages(more: ["tools": [tool], "tool_choice": ["type": "none"]]).hiddenTokens == 0)
  }

  @Test func `a model is found by its name, with a date or without`() {
    #expect(SimulatedModel.named("claude-haiku-4-5-20251001")?.id == "claude-haiku-4-5")
    #expect(SimulatedModel.named("claude-haiku-4-5-2025100x") == nil)
    #expect(SimulatedModel.named("claude-haiku") == nil)
  }

  @Test func `each kind of token has its price, and a batch costs half, rounded up`() throws {
    let opus = try #require(SimulatedModel.named("claude-opus-5"))
    var usage = TokenUsage()
    usage.input = 1
    usage.cacheRead = 10
    usage.cacheWrite5m = 100
    usage.cacheWrite1h = 1000
    usage.output = 10_000
    let cost = 5000 + 10 * 500 + 100 * 6250 + 1000 * 10_000 + 10_000 * 25_000
    #expect(usage.cost(opus.prices) == cost)
    #expect(usage.prompt == 1111 && usage.countedInput == 1101)
    let luna = try #require(SimulatedModel.named("gpt-5.6-luna"))
    var three = TokenUsage()
    three.cacheRead = 1
    three.cacheWrite = 1
    three.input = 1
    #expect(three.cost(luna.prices) == 20 + 250 + 200)
    let five = try #require(SimulatedModel.named("gpt-5"))
    var odd = TokenUsage()
    odd.cacheRead = 1
    #expect(odd.cost(five.prices) == 125 && odd.cost(five.prices, isBatch: true) == 63)
  }

  @Test func `an answer is cut where its limit says, between characters`() {
    var answer = Answer()
    answer.text = "€€€€€€"
    answer.count()
    #expect(answer.outputTokens == 5)
    answer.cut(toTokens: 2)
    #expect(answer.text == "€€" && answer.outputTokens == 2 && answer.stop == .maxTokens)
  }
}
