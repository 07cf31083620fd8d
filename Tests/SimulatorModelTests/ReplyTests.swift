import JSON
import TestSupport
import Testing

@testable import SimulatorModel

/// An answer says the same whether it streams or not.
@Suite struct ReplyTests {
  private func reply(_ dialect: Dialect, _ text: String, isTool: Bool) throws -> Reply {
    let model = dialect.isAnthropic ? "claude-opus-5" : "gpt-5.6-luna"
    var request = PromptRequest(
      dialect: dialect, model: try #require(SimulatedModel.named(model)))
    request.includesUsage = true
    var answer = Answer()
    if isTool {
      answer.tool = ToolCall(name: "t", arguments: JSONValue.object(["a": .string(text)]).text())
      answer.stop = .toolUse
    } else {
      answer.text = text
    }
    answer.count()
    var usage = TokenUsage()
    usage.input = 7
    usage.output = answer.outputTokens
    return Reply(
      request, CallNames(number: 1, start: "s", dialect: dialect, created: 0), answer, usage)
  }

  @Test func `deltas put together are the answer, whatever its characters`() throws {
    var random = SeededRandom("deltas")
    let alphabet = ["a", "é", "€", "𝄞", "👩‍👩‍👧", "\n", "\"", " "]
    for round in 0..<300 {
      let count = Int.random(in: 0...200, using: &random)
      let text = (0..<count).map { _ in alphabet.randomElement(using: &random) ?? "" }.joined()
      for dialect in Dialect.allCases {
        let reply = try reply(dialect, text, isTool: round.isMultiple(of: 2))
        var streamed = ""
        for part in reply.stream() where part.kind == .delta {
          streamed += try Self.delta(in: part.bytes)
        }
        #expect(Array(streamed.utf8) == Array(reply.answer.payload.utf8), "\(dialect)")
        #expect((try? JSONValue(parsing: reply.body())) != nil)
      }
    }
  }

  @Test func `events come in the order of each dialect`() throws {
    let anthropic = try names(try reply(.messages, "hello there", isTool: false))
    #expect(
      anthropic == [
        "message_start", "content_block_start", "ping", "content_block_delta",
        "content_block_stop", "message_delta", "message_stop",
      ])
    let responses = try names(try reply(.responses, "hello there", isTool: true))
    #expect(
      responses == [
        "response.created", "response.in_progress", "response.output_item.added",
        "response.function_call_arguments.delta", "response.function_call_arguments.done",
        "response.output_item.done", "response.completed",
      ])
    let chat = try reply(.chat, "hello there", isTool: false).stream()
    #expect(chat.last?.bytes == Array("data: [DONE]\n\n".utf8))
    let usage = try Self.data(in: chat[chat.count - 2].bytes)
    #expect(usage["choices"] == [] && usage["usage"]?["prompt_tokens"] == 7)
  }

  @Test func `absurd usage is beyond an Int64, and the bill is not`() throws {
    var reply = try reply(.messages, "hello", isTool: false)
    reply.shownUsage = .absurd
    let shown = try JSONValue(parsing: reply.body())["usage"]?["output_tokens"]
    #expect(shown?.numberValue?.uint64 == 1 << 63)
    #expect(reply.usage.output == 2)
  }

  @Test func `a bill has one line a request, the last, and none that was cut off`() throws {
    let request = try messages()
    func line(_ id: String, _ output: Int) -> BillLine {
      var usage = TokenUsage()
      usage.output = output
      return BillLine(
        time: 1, requestID: id, callKey: nil, attempt: nil, key: "k", request: request,
        usage: usage, status: 200)
    }
    let file = [line("a", 0), line("b", 5), line("a", 9)].flatMap(\.bytes)
    let cut = line("c", 1).bytes.prefix(50)
    #expect(BillLine.merged(file + cut) == [line("a", 9), line("b", 5)].flatMap(\.bytes))
  }

  private func names(_ reply: Reply) throws -> [String] {
    try reply.stream().map { try Self.data(in: $0.bytes)["type"]?.stringValue ?? "" }
  }

  private static func data(in bytes: [UInt8]) throws -> JSONValue {
    let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("data: ") }
    return try JSONValue(parsing: String(line?.dropFirst(6) ?? ""))
  }

  private static func delta(in bytes: [UInt8]) throws -> String {
    let event = try data(in: bytes)
    if let delta = event["delta"] {
      let piece = delta["text"] ?? delta["partial_json"] ?? delta
      return piece.stringValue ?? ""
    }
    let delta = event["choices"]?[0]?["delta"]
    let call = delta?["tool_calls"]?[0]?["function"]?["arguments"]
    return (call ?? delta?["content"])?.stringValue ?? ""
  }
}
