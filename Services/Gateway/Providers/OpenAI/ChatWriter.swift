import JSON

/// Writes requests to OpenAI's Chat Completions.
enum ChatWriter {
  private static let own: Set<String> = [
    "model", "max_completion_tokens", "max_tokens", "stream", "stream_options", "temperature",
    "stop", "tools", "tool_choice", "response_format", "messages", "n",
  ]

  static func write(
    _ call: ModelCall, _ model: String, _ isStream: Bool
  ) throws(RequestProblem) -> BodyWriter {
    var writer = BodyWriter()
    try writer.object { (writer) throws(RequestProblem) in
      writer.member("model", model)
      if let most = call.outputTokensMax { writer.member("max_completion_tokens", most) }
      if isStream {
        writer.member("stream", true)
        writer.member("stream_options", ["include_usage": true])
      }
      if let temperature = call.temperature { writer.member("temperature", .number(temperature)) }
      if !call.stopSequences.isEmpty {
        writer.member("stop", .array(call.stopSequences.map { .string($0) }))
      }
      try call.writeExtra(&writer, own: own)
      if !call.tools.isEmpty {
        writer.member(
          "tools",
          .array(call.tools.map { ["type": "function", "function": OpenAITools.described($0)] }))
      }
      if let choice = call.toolChoice {
        writer.member(
          "tool_choice",
          OpenAITools.choice(choice) { ["type": "function", "function": ["name": $0]] })
      }
      format(call, &writer)
      writer.key("messages")
      try writer.array { (writer) throws(RequestProblem) in
        for block in call.systemBlocks {
          guard case .text(let text) = block.content else {
            throw RequestProblem(.unsupported, "blocks.media")
          }
          writer.value(["role": "system", "content": .string(text)])
        }
        for turn in call.turns { try self.turn(turn.role, turn.blocks, &writer) }
      }
    }
    return writer
  }

  private static func format(_ call: ModelCall, _ writer: inout BodyWriter) {
    switch call.output {
    case .text: break
    case .object: writer.member("response_format", ["type": "json_object"])
    case .schema(let name, let schema):
      writer.member(
        "response_format",
        [
          "type": "json_schema",
          "json_schema": ["name": .string(name), "strict": true, "schema": schema],
        ])
    }
  }

  private static func turn(
    _ role: ModelCall.Role, _ blocks: ArraySlice<ModelCall.Block>, _ writer: inout BodyWriter
  ) throws(RequestProblem) {
    // Each answer of a tool is a message of its own here.
    for block in blocks {
      guard case .toolAnswer(let callID, let text) = block.content else { continue }
      writer.value(
        ["role": "tool", "tool_call_id": .string(callID), "content": .string(text)])
    }
    let said = blocks.filter {
      if case .toolAnswer = $0.content { false } else { true }
    }
    guard !said.isEmpty else { return }
    try writer.object { (writer) throws(RequestProblem) in
      writer.member("role", role == .assistant ? "assistant" : "user")
      let calls = said.compactMap { block -> JSONValue? in
        guard case .toolCall(let call) = block.content else { return nil }
        return [
          "id": .string(call.id), "type": "function",
          "function": ["name": .string(call.name), "arguments": .string(call.arguments.text())],
        ]
      }
      writer.key("content")
      try writer.array { (writer) throws(RequestProblem) in
        for block in said { try part(block, &writer) }
      }
      if !calls.isEmpty { writer.member("tool_calls", .array(calls)) }
    }
  }

  private static func part(
    _ block: ModelCall.Block, _ writer: inout BodyWriter
  ) throws(RequestProblem) {
    switch block.content {
    case .text(let text): writer.value(["type": "text", "text": .string(text)])
    case .media(let media):
      guard block.role == .user else { throw RequestProblem(.unsupported, "blocks.media") }
      try writer.object { (writer) throws(RequestProblem) in
        let prefix = "data:\(media.type);base64,"
        writer.member("type", media.isPicture ? "image_url" : "file")
        writer.key(media.isPicture ? "image_url" : "file")
        try writer.object { (writer) throws(RequestProblem) in
          if !media.isPicture { writer.member("filename", OpenAITools.fileName(media)) }
          writer.member(media.isPicture ? "url" : "file_data", prefix, base64: media)
        }
      }
    case .toolAnswer, .toolCall: break
    }
  }
}

/// What OpenAI's two dialects share.
enum OpenAITools {
  static func described(_ tool: ModelCall.Tool) -> JSONValue {
    [
      "name": .string(tool.name), "description": .string(tool.description),
      "parameters": tool.schema,
    ]
  }

  static func choice(
    _ choice: ModelCall.ToolChoice, named: (JSONValue) -> JSONValue
  ) -> JSONValue {
    switch choice {
    case .auto: "auto"
    case .any: "required"
    case .none: "none"
    case .named(let name): named(.string(name))
    }
  }

  static func fileName(_ media: ModelCall.Media) -> String {
    media.title.isEmpty ? "document" : media.title
  }
}
