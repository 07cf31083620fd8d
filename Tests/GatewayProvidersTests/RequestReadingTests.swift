import GatewayProviders
import GatewayValues
import JSON
import JSONText
import Testing

/// A request, and what it says.
private func read(_ dialect: Dialect, _ text: String) throws -> (JSONText, CallFacts) {
  try dialect.read(checking: Array(text.utf8), limits: JSONLimits())
}

private func problem(_ dialect: Dialect, _ text: String) -> RequestProblem? {
  do throws(RequestProblem) {
    _ = try dialect.read(checking: Array(text.utf8), limits: JSONLimits())
    return nil
  } catch {
    return error
  }
}

@Suite struct RequestReadingTests {
  private static let bounds = ModelBounds(contextTokens: 200_000, outputTokensMax: 8_000)

  @Test func `a request to Anthropic says what it will cost`() throws {
    let data = String(repeating: "A", count: 4_000)
    let (body, facts) = try read(
      .anthropicMessages,
      """
      {"model":"m","max_tokens":100,"stream":true,
       "system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],
       "tools":[{"name":"t","input_schema":{},"cache_control":{"type":"ephemeral"}}],
       "messages":[{"role":"user","content":[
         {"type":"image","source":{"type":"base64","media_type":"image/png","data":"\(data)"}},
         {"type":"text","text":"q"}]}]}
      """)
    #expect(facts.model == "m")
    #expect(facts.outputTokensMax == 100)
    #expect(facts.isStream)
    #expect(facts.pictures == 1)
    #expect(facts.documents == 0)
    #expect(facts.cacheBreakpoints == 2)
    #expect(facts.textBytes == Int64(body.bytes.count - 4_002))
    let bound = facts.bound(Self.bounds)
    #expect(bound.inputTokensMax == facts.textBytes + 1_024 + 4_784)
    #expect(bound.outputTokensMax == 100)
  }

  @Test(arguments: [
    #"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AA"}}"#,
    #"{"type":"document","source":{"type":"url","url":"https://x"}}"#,
    #"{"type":"document","source":{"type":"file","file_id":"f"}}"#,
    #"{"type":"tool_result","content":[{"type":"document","source":{"type":"url","url":"u"}}]}"#,
  ])
  func `a document is bounded by the window of its model`(block: String) throws {
    let (_, facts) = try read(
      .anthropicMessages,
      #"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[\#(block)]}]}"#)
    #expect(facts.documents == 1)
    #expect(facts.bound(Self.bounds).inputTokensMax == 200_000)
  }

  @Test func `searches at the provider are bounded by their uses, or refused`() throws {
    let head = #"{"model":"m","max_tokens":1,"messages":[],"tools":[{"type":"web_search_20260101""#
    let (_, facts) = try read(.anthropicMessages, head + #","max_uses":3}]}"#)
    #expect(facts.webSearchesMax == 3)
    #expect(facts.bound(Self.bounds).inputTokensMax == 800_000)
    #expect(problem(.anthropicMessages, head + "}]}")?.field == "tools[0].max_uses")
  }

  @Test func `several answers cost several outputs, and none asked for costs the model's most`()
    throws
  {
    let (_, several) = try read(
      .openAIChat, #"{"model":"m","n":3,"max_tokens":7,"messages":[]}"#)
    #expect(several.bound(Self.bounds).outputTokensMax == 21)
    let (_, open) = try read(.openAIChat, #"{"model":"m","messages":[]}"#)
    #expect(open.bound(Self.bounds).outputTokensMax == 8_000)
    let (_, both) = try read(
      .openAIChat,
      #"{"model":"m","max_completion_tokens":5,"max_tokens":9,"messages":[]}"#)
    #expect(both.outputTokensMax == 5)
  }

  @Test func `an earlier conversation is bounded by the window`() throws {
    let (_, facts) = try read(
      .openAIResponses, #"{"model":"m","previous_response_id":"r","input":"x"}"#)
    #expect(facts.bound(Self.bounds).inputTokensMax == 200_000)
    let (_, plain) = try read(.openAIResponses, #"{"model":"m","input":"x"}"#)
    #expect(plain.bound(Self.bounds).inputTokensMax < 2_000)
  }

  @Test(arguments: [
    (Dialect.anthropicMessages, #"{"max_tokens":1,"messages":[]}"#, "model"),
    (.anthropicMessages, #"{"model":1,"messages":[]}"#, "model"),
    (.anthropicMessages, #"{"model":"m","max_tokens":-1,"messages":[]}"#, "max_tokens"),
    (.anthropicMessages, #"{"model":"m","max_tokens":1}"#, "messages"),
    (.anthropicMessages, #"{"model":"m","max_tokens":1,"messages":{}}"#, "messages"),
    (.anthropicMessages, #"{"model":"m","messages":[],"speed":"fast"}"#, "speed"),
    (.anthropicMessages, #"{"model":"m","messages":[],"mcp_servers":[{}]}"#, "mcp_servers"),
    (
      .anthropicMessages, #"{"model":"m","messages":[],"tools":[{"type":"code_execution_1"}]}"#,
      "tools[0].type"
    ),
    (.anthropicMessages, "[]", "body"),
    (.openAIChat, #"{"model":"m","messages":[],"n":0}"#, "n"),
    (.openAIChat, #"{"model":"m","messages":[],"stream":1}"#, "stream"),
    (.openAIChat, #"{"model":"m","messages":[],"service_tier":"priority"}"#, "service_tier"),
    (.openAIChat, #"{"model":"m","messages":[],"modalities":["text","audio"]}"#, "modalities"),
    (.openAIResponses, #"{"model":"m"}"#, "input"),
    (.openAIResponses, #"{"model":"m","input":7}"#, "input"),
    (.openAIResponses, #"{"model":"m","input":"x","background":true}"#, "background"),
    (
      .openAIResponses, #"{"model":"m","input":"x","tools":[{"type":"file_search"}]}"#,
      "tools[0].type"
    ),
  ])
  func `what cannot be paid for is refused by its field`(
    dialect: Dialect, text: String, field: String
  ) {
    #expect(problem(dialect, text)?.field == field)
  }

  @Test func `bad JSON is refused with its place`() {
    guard case .notJSON(let error) = problem(.openAIChat, "{\n  \"model\": tru}")?.code else {
      Issue.record("no problem")
      return
    }
    #expect(error.line == 2)
  }

  @Test func `a body goes on to the byte but for what must change`() throws {
    let text = #"{ "messages" : [ ],"model":"ours", "unknown":1.50 ,"stream":true}"#
    let (body, facts) = try read(.openAIChat, text)
    let same = try Dialect.openAIChat.upstreamEdits(of: body, facts, model: "theirs").bytes()
    let wanted =
      #"{ "messages" : [ ],"model":"theirs", "unknown":1.50 ,"stream":true"#
      + #","stream_options":{"include_usage":true}}"#
    let written = String(decoding: same, as: UTF8.self)
    #expect(written.filter { $0 != " " } == wanted.filter { $0 != " " })
    #expect(written.hasPrefix(#"{ "messages" : [ ],"model":"theirs", "unknown":1.50 "#))
    let (other, otherFacts) = try read(
      .openAIChat, #"{"model":"m","messages":[],"stream":true,"stream_options":{"x":1}}"#)
    let edited = try Dialect.openAIChat.upstreamEdits(of: other, otherFacts, model: "m").bytes()
    let options = try JSONValue(parsing: edited)["stream_options"]
    #expect(options == ["x": 1, "include_usage": true])
    let (kept, keptFacts) = try read(
      .anthropicMessages, #"{"model":"m","messages":[],"stream":true}"#)
    #expect(
      try Dialect.anthropicMessages.upstreamEdits(of: kept, keptFacts, model: "m").isEmpty)
  }
}
