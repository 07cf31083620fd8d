import Faults
import GatewayProviders
import JSON
import JSONText
import Testing

@Suite struct WritingTests {
  private static let schema: JSONValue = [
    "type": "object", "properties": ["score": ["type": "integer"]], "required": ["score"],
    "additionalProperties": false,
  ]

  private var call: ModelCall {
    var call = ModelCall(
      blocks: [
        .init(.system, .text("rubric"), isCacheBreakpoint: true),
        .init(.user, .media(.init(type: "application/pdf", title: "d", place: 0, byteCount: 4))),
        .init(.user, .text("score it"), isCacheBreakpoint: true),
        .init(.assistant, .toolCall(.init(id: "t1", name: "look", arguments: ["at": 1]))),
        .init(.user, .toolAnswer(callID: "t1", text: "seen")),
      ], outputTokensMax: 100)
    call.output = .schema(name: "verdict", Self.schema)
    call.tools = [.init(name: "look", description: "Look.", schema: ["type": "object"])]
    return call
  }

  /// The body with its media in place, as a provider reads it.
  private func sent(
    _ dialect: Dialect, _ call: ModelCall, way: SchemaWay = .native
  ) throws -> JSONValue {
    let body = try dialect.write(call, model: "m", schemaWay: way)
    var bytes: [UInt8] = []
    for piece in body.pieces {
      switch piece {
      case .bytes(let part): bytes += part
      case .base64(let place, let count):
        #expect(place == 0)
        #expect(count == 4)
        bytes += Array("AAECAw==".utf8)
      }
    }
    #expect(bytes.count == body.byteCount)
    return try JSONValue(parsing: bytes)
  }

  @Test func `a call becomes each dialect's request`() throws {
    let anthropic = try sent(.anthropicMessages, call)
    #expect(anthropic["system"]?[0]?["cache_control"]?["type"] == "ephemeral")
    #expect(anthropic["messages"]?[0]?["content"]?[0]?["source"]?["data"] == "AAECAw==")
    #expect(anthropic["messages"]?[0]?["content"]?[1]?["text"] == "score it")
    #expect(anthropic["messages"]?[1]?["content"]?[0]?["type"] == "tool_use")
    #expect(anthropic["messages"]?[2]?["content"]?[0]?["tool_use_id"] == "t1")
    #expect(anthropic["output_config"]?["format"]?["schema"] == Self.schema)

    let chat = try sent(.openAIChat, call)
    #expect(chat["messages"]?[0]?["role"] == "system")
    #expect(
      chat["messages"]?[1]?["content"]?[0]?["file"]?["file_data"]
        == "data:application/pdf;base64,AAECAw==")
    #expect(chat["messages"]?[2]?["tool_calls"]?[0]?["function"]?["arguments"] == #"{"at":1}"#)
    #expect(chat["messages"]?[3]?["role"] == "tool")
    #expect(chat["response_format"]?["json_schema"]?["name"] == "verdict")

    let responses = try sent(.openAIResponses, call)
    #expect(responses["input"]?[1]?["content"]?[0]?["type"] == "input_file")
    #expect(responses["input"]?[2]?["type"] == "function_call")
    #expect(responses["input"]?[3]?["type"] == "function_call_output")
    #expect(responses["text"]?["format"]?["strict"] == true)
  }

  @Test func `the same call is the same bytes, and its stable part comes first`() throws {
    for dialect in Dialect.allCases {
      let first = try dialect.write(call, model: "m")
      #expect(try dialect.write(call, model: "m") == first)
      var other = call
      other.blocks[2].content = .text("another question")
      let second = try dialect.write(other, model: "m")
      // Up to and with the document, nothing differs.
      #expect(second.pieces.first == first.pieces.first)
    }
  }

  @Test func `a schema can go through a tool, and its answer comes back as text`() throws {
    var call = call
    call.tools = []
    let anthropic = try sent(.anthropicMessages, call, way: .tool)
    #expect(anthropic["tool_choice"]?["name"] == "answer")
    #expect(anthropic["tools"]?[0]?["input_schema"] == Self.schema)
    #expect(anthropic["output_config"] == nil)
    let reply = try JSONText(
      checking: Array(
        (#"{"type":"message","content":[{"type":"tool_use","id":"x","name":"answer","#
          + #""input":{"score":7}}]}"#).utf8))
    var content = Dialect.anthropicMessages.readContent(reply)
    content.takeAnswerTool()
    #expect(content.text == #"{"score":7}"#)
    #expect(content.toolCalls.isEmpty)
  }

  @Test func `members of its own are never written twice`() {
    for dialect in Dialect.allCases {
      var call = ModelCall(blocks: [.init(.user, .text("q"))], outputTokensMax: 1)
      call.extra["model"] = "other"
      #expect(throws: RequestProblem.self) { try dialect.write(call, model: "m") }
    }
  }

  @Test func `a stream's pieces add up to the answer`() {
    var stream = ContentStream(.anthropicMessages)
    let events = [
      #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#,
      #"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","#
        + #""id":"t","name":"n"}}"#,
      #"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","#
        + #""partial_json":"{\"x\""}}"#,
      #"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","#
        + #""partial_json":":1}"}}"#,
      #"{"type":"content_block_stop","index":1}"#,
      #"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"b"}}"#,
    ]
    let pieces = events.flatMap { stream.take(Array($0.utf8)) }
    #expect(
      pieces == [.text("a"), .toolCall(.init(id: "t", name: "n", arguments: ["x": 1])), .text("b")])
    #expect(stream.content.text == "ab")
    var chat = ContentStream(.openAIChat)
    for event in [
      #"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"t","#
        + #""function":{"name":"n","arguments":""}}]}}]}"#,
      #"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}"#,
    ] { #expect(chat.take(Array(event.utf8)).isEmpty) }
    #expect(chat.finish() == [.toolCall(.init(id: "t", name: "n", arguments: [:]))])
  }
}

@Suite struct ErrorShapeTests {
  @Test(arguments: [
    ("BUDGET_EXHAUSTED", Fault.Code.resourceExhausted, 402, "billing_error", "insufficient_quota"),
    ("RATE_LIMITED", .resourceExhausted, 429, "rate_limit_error", "rate_limit_error"),
    ("BAD_REQUEST", .invalidArgument, 400, "invalid_request_error", "invalid_request_error"),
    ("BAD_KEY", .unauthenticated, 401, "authentication_error", "invalid_request_error"),
    ("UNKNOWN_MODEL", .notFound, 404, "not_found_error", "invalid_request_error"),
    ("PROVIDER_OVERLOADED", .unavailable, 529, "overloaded_error", "overloaded"),
    ("ANYTHING", .unknown, 500, "api_error", "server_error"),
  ])
  func `a fault has the shape that the client knows`(
    reason: String, code: Fault.Code, status: Int, anthropic: String, openAI: String
  ) throws {
    let fault = Fault(code, reason: reason, "m", violations: [.init(field: "f", description: "d")])
    let first = ErrorShape(fault, for: .anthropic)
    #expect(first.status == status)
    let body = try JSONValue(parsing: first.body(for: .anthropic, requestID: "req_1"))
    #expect(body["error"]?["type"]?.stringValue == anthropic)
    #expect(body["request_id"] == "req_1")
    let second = try JSONValue(
      parsing: ErrorShape(fault, for: .openAI).body(for: .openAI, requestID: "r"))
    #expect(second["error"]?["type"]?.stringValue == openAI)
    #expect(second["error"]?["param"] == "f")
    let codes = [
      "BUDGET_EXHAUSTED": "insufficient_quota", "RATE_LIMITED": "rate_limit_exceeded",
      "BAD_KEY": "invalid_api_key", "UNKNOWN_MODEL": "model_not_found",
    ]
    #expect(second["error"]?["code"]?.stringValue == codes[reason] ?? reason.lowercased())
  }

  @Test func `a client asks again by itself only when it was told when`() {
    let closed = Fault(.resourceExhausted, reason: "BUDGET_EXHAUSTED", "m")
    #expect(!ErrorShape(closed, for: .anthropic).shouldRetry)
    let full = Fault(.resourceExhausted, reason: "QUEUE_FULL", "m", retryAfter: .seconds(1))
    #expect(ErrorShape(full, for: .openAI).shouldRetry)
  }
}
