import GatewayProviders
import GatewayValues
import JSON
import JSONText
import Testing

@Suite struct ReplyReadingTests {
  private func read(_ dialect: Dialect, _ text: String) throws -> ReplyFacts? {
    dialect.readReply(try JSONText(checking: Array(text.utf8)))
  }

  @Test func `Anthropic's kinds are disjoint as they come, and a breakdown is not added`() throws {
    let facts = try #require(
      try read(
        .anthropicMessages,
        """
        {"id":"msg_1","type":"message","role":"assistant","model":"m-1",
         "content":[{"type":"text","text":"{}"}],"stop_reason":"end_turn",
         "usage":{"input_tokens":50,"cache_creation_input_tokens":300,
         "cache_read_input_tokens":98000,
         "cache_creation":{"ephemeral_5m_input_tokens":200,"ephemeral_1h_input_tokens":100},
         "output_tokens":210,"server_tool_use":{"web_search_requests":2}}}
        """))
    #expect(
      facts.usage
        == TokenUsage(
          freshInput: 50, cacheRead: 98_000, cacheWriteShort: 200, cacheWriteLong: 100,
          output: 210, webSearches: 2))
    #expect(facts.finish == .stop)
    #expect(facts.model == "m-1")
    #expect(facts.hasContent)
  }

  @Test func `OpenAI's cached tokens are within its prompt, and reasoning within its output`()
    throws
  {
    let chat = try #require(
      try read(
        .openAIChat,
        """
        {"id":"c","model":"m-1","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],
         "usage":{"prompt_tokens":1000,"completion_tokens":50,
         "prompt_tokens_details":{"cached_tokens":600,"cache_write_tokens":128},
         "completion_tokens_details":{"reasoning_tokens":20}}}
        """))
    let wanted = TokenUsage(
      freshInput: 272, cacheRead: 600, cacheWriteShort: 128, output: 30, reasoning: 20)
    #expect(chat.usage == wanted)
    let responses = try #require(
      try read(
        .openAIResponses,
        """
        {"id":"r","object":"response","status":"completed","model":"m-1",
         "output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}],
         "usage":{"input_tokens":1000,"output_tokens":50,
         "input_tokens_details":{"cached_tokens":600,"cache_write_tokens":128},
         "output_tokens_details":{"reasoning_tokens":20}}}
        """))
    #expect(responses.usage == wanted)
    #expect(responses.finish == .stop)
  }

  @Test(arguments: [
    #"{"input_tokens":-1,"output_tokens":1}"#, #"{"input_tokens":1.5,"output_tokens":1}"#,
    #"{"input_tokens":9223372036854775807,"output_tokens":1}"#,
    #"{"input_tokens":"5","output_tokens":1}"#, #"{"input_tokens":1e300,"output_tokens":1}"#,
    #"{"input_tokens":1,"cache_creation_input_tokens":5,"output_tokens":1,"#
      + #""cache_creation":{"ephemeral_1h_input_tokens":9}}"#,
  ])
  func `a usage that nobody can mean is not believed`(usage: String) throws {
    let facts = try #require(
      try read(
        .anthropicMessages,
        #"{"type":"message","stop_reason":"end_turn","content":[],"usage":\#(usage)}"#))
    #expect(facts.usage == nil)
    #expect(facts.isUsageAbsurd)
  }

  @Test func `zero is zero, and absent is absent`() throws {
    let zero = try #require(
      try read(
        .anthropicMessages,
        #"{"type":"message","usage":{"input_tokens":0,"output_tokens":0}}"#))
    #expect(zero.usage == TokenUsage())
    for absent in [#"{"type":"message"}"#, #"{"type":"message","usage":null}"#] {
      let facts = try #require(try read(.anthropicMessages, absent))
      #expect(facts.usage == nil)
      #expect(!facts.isUsageAbsurd)
    }
  }

  @Test(arguments: [
    (Dialect.anthropicMessages, #"{"type":"message","stop_reason":"max_tokens"}"#, Finish.length),
    (.anthropicMessages, #"{"type":"message","stop_reason":"refusal"}"#, .refusal),
    (.anthropicMessages, #"{"type":"message","stop_reason":"pause_turn"}"#, .pause),
    (.anthropicMessages, #"{"type":"message","stop_reason":"new"}"#, .other("new")),
    (
      .openAIChat,
      #"{"choices":[{"finish_reason":"length"},{"finish_reason":"stop"}]}"#, .length
    ),
    (
      .openAIChat,
      #"{"choices":[{"message":{"refusal":"no no"},"finish_reason":"stop"}]}"#, .refusal
    ),
    (.openAIChat, #"{"choices":[{"finish_reason":"content_filter"}]}"#, .refusal),
    (
      .openAIResponses,
      #"{"object":"response","status":"incomplete","#
        + #""incomplete_details":{"reason":"max_output_tokens"}}"#,
      .length
    ),
    (
      .openAIResponses,
      #"{"object":"response","status":"completed","output":[{"type":"function_call"}]}"#,
      .toolCalls
    ),
    (.openAIResponses, #"{"object":"response","status":"cancelled"}"#, .other("cancelled")),
  ])
  func `an end is told as it was`(dialect: Dialect, text: String, finish: Finish) throws {
    #expect(try read(dialect, text)?.finish == finish)
  }

  @Test(arguments: [
    (Dialect.anthropicMessages, #"{"type":"error"}"#), (.openAIChat, #"{"choices":1}"#),
    (.openAIResponses, "[]"), (.anthropicMessages, #""text""#),
  ])
  func `what is no answer is none`(dialect: Dialect, text: String) throws {
    #expect(try read(dialect, text) == nil)
  }
}

@Suite struct StreamReadingTests {
  private func run(
    _ dialect: Dialect, _ events: [String], passesUsageChunk: Bool = true
  ) -> (StreamReading, [StreamReading.Passing]) {
    var reading = StreamReading(dialect, passesUsageChunk: passesUsageChunk)
    let passings = events.map { reading.take(name: "", data: Array($0.utf8)) }
    return (reading, passings)
  }

  private static let anthropic = [
    #"{"type":"message_start","message":{"type":"message","id":"i","model":"m-1","#
      + #""usage":{"input_tokens":25,"cache_creation_input_tokens":10,"#
      + #""cache_creation":{"ephemeral_1h_input_tokens":4},"output_tokens":1}}}"#,
    #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
    #"{"type":"ping"}"#,
    #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}"#,
    #"{"type":"content_block_stop","index":0}"#,
    #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}"#,
    #"{"type":"message_stop"}"#,
  ]

  @Test func `Anthropic's counts are of all so far, and stand where they are not told again`() {
    let (reading, passings) = run(.anthropicMessages, Self.anthropic)
    #expect(passings.allSatisfy { $0 == .pass })
    #expect(reading.hasEnded)
    #expect(reading.hasAnswered)
    #expect(
      reading.facts.usage
        == TokenUsage(freshInput: 25, cacheWriteShort: 6, cacheWriteLong: 4, output: 15))
    #expect(reading.facts.finish == .stop)
    #expect(reading.facts.id == "i")
  }

  @Test func `a stream cut anywhere has not ended`() {
    for count in 0..<(Self.anthropic.count - 1) {
      let (reading, _) = run(.anthropicMessages, Array(Self.anthropic.prefix(count)))
      #expect(!reading.hasEnded)
      #expect(reading.hasAnswered == (count > 3))
    }
  }

  @Test func `an error within a stream fails it`() {
    let error = #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#
    let (reading, passings) = run(.anthropicMessages, Array(Self.anthropic.prefix(4)) + [error])
    #expect(passings.last == .failed)
    #expect(reading.failure?.cause == .overloaded)
    #expect(!reading.hasEnded)
  }

  @Test func `the chunk that tells the usage is held back from whoever did not ask for it`() {
    let events = [
      #"{"id":"c","model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","#
        + #""content":""}}],"usage":null}"#,
      #"{"id":"c","choices":[{"index":0,"delta":{"content":"hi"}}],"usage":null}"#,
      #"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
      #"{"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#,
      "[DONE]",
    ]
    let (held, passings) = run(.openAIChat, events, passesUsageChunk: false)
    #expect(passings == [.pass, .pass, .pass, .hold, .pass])
    #expect(held.hasEnded)
    #expect(held.facts.usage == TokenUsage(freshInput: 5, output: 2))
    #expect(held.facts.finish == .stop)
    let (_, all) = run(.openAIChat, events)
    #expect(all.allSatisfy { $0 == .pass })
  }

  @Test func `a stream of Responses ends with its whole`() {
    let (reading, _) = run(
      .openAIResponses,
      [
        #"{"type":"response.created","response":{"id":"r","model":"m-1"}}"#,
        #"{"type":"response.output_text.delta","delta":"hi"}"#,
        #"{"type":"response.completed","response":{"object":"response","id":"r","#
          + #""status":"completed","model":"m-1","usage":{"input_tokens":3,"#
          + #""output_tokens":1}}}"#,
      ])
    #expect(reading.hasEnded)
    #expect(reading.facts.usage == TokenUsage(freshInput: 3, output: 1))
    #expect(reading.facts.contentBytes > 0)
    let (failed, passings) = run(
      .openAIResponses,
      [#"{"type":"response.failed","response":{"error":{"code":"server_error","message":"x"}}}"#])
    #expect(passings == [.failed])
    #expect(failed.failure?.cause == .serverError)
  }

  @Test(arguments: ["", "{", "[]", "7", "hello", #"{"choices":7}"#])
  func `what is no event is garbage`(text: String) {
    for dialect in Dialect.allCases {
      let (_, passings) = run(dialect, [text])
      #expect(passings == [.garbage])
    }
  }
}
