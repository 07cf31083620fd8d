import JSON

/// Writes requests to OpenAI's Responses.
enum ResponsesWriter {
  private static let own: Set<String> = [
    "model", "max_output_tokens", "stream", "temperature", "tools", "tool_choice", "text", "input",
    "store", "background",
  ]

  static func write(
    _ call: ModelCall, _ model: String, _ isStream: Bool
  ) throws(RequestProblem) -> BodyWriter {
    guard call.stopSequences.isEmpty else { throw RequestProblem(.unsupported, "stop_sequences") }
    var writer = BodyWriter()
    try writer.object { (writer) throws(RequestProblem) in
      writer.member("model", model)
      if let most = call.outputTokensMax { writer.member("max_output_tokens", most) }
      if isStream { writer.member("stream", true) }
      // The ledger keeps what was answered; a copy at the provider is nobody's wish.
      writer.member("store", false)
      if let temperature = call.temperature { writer.member("temperature", .number(temperature)) }
      try call.writeExtra(&writer, own: own)
      if !call.tools.isEmpty {
        writer.member("tools", .array(call.tools.map(tool)))
      }
      if let choice = call.toolChoice {
        writer.member(
          "tool_choice", OpenAITools.choice(choice) { ["type": "function", "name": $0] })
      }
      format(call, &writer)
      writer.key("input")
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

  private static func tool(_ tool: ModelCall.Tool) -> JSONValue {
    [
      "type": "function", "name": .string(tool.name), "description": .string(tool.description),
      "parameters": tool.schema,
    ]
  }

  private static func format(_ call: ModelCall, _ writer: inout BodyWriter) {
    switch call.output {
    case .text: break
    case .object: writer.member("text", ["format": ["type": "json_object"]])
    case .schema(let name, let schema):
      writer.member(
        "text",
        [
          "format": [
            "type": "json_schema", "name": .string(name), "schema": schema, "strict": true,
          ]
        ])
    }
  }

  /// Calls of tools and their answers are items of their own, in the order in which they came.
  private static func turn(
    _ role: ModelCall.Role, _ blocks: ArraySlice<ModelCall.Block>, _ writer: inout BodyWriter
  ) throws(RequestProblem) {
    var said: [ModelCall.Block] = []
    for block in blocks {
      switch block.content {
      case .text, .media: said.append(block)
      case .toolAnswer(let callID, let text):
        try message(role, said, &writer)
        said = []
        writer.value([
          "type": "function_call_output", "call_id": .string(callID), "output": .string(text),
        ])
      case .toolCall(let call):
        try message(role, said, &writer)
        said = []
        writer.value([
          "type": "function_call", "call_id": .string(call.id), "name": .string(call.name),
          "arguments": .string(call.arguments.text()),
        ])
      }
    }
    try message(role, said, &writer)
  }

  private static func message(
    _ role: ModelCall.Role, _ blocks: [ModelCall.Block], _ writer: inout BodyWriter
  ) throws(RequestProblem) {
    guard !blocks.isEmpty else { return }
    try writer.object { (writer) throws(RequestProblem) in
      writer.member("role", role == .assistant ? "assistant" : "user")
      writer.key("content")
      try writer.array { (writer) throws(RequestProblem) in
        for block in blocks { try part(block, &writer) }
      }
    }
  }

  private static func part(
    _ block: ModelCall.Block, _ writer: inout BodyWriter
  ) throws(RequestProblem) {
    switch block.content {
    case .text(let text):
      let type: JSONValue = block.role == .assistant ? "output_text" : "input_text"
      writer.value(["type": type, "text": .string(text)])
    case .media(let media):
      guard block.role == .user else { throw RequestProblem(.unsupported, "blocks.media") }
      try writer.object { (writer) throws(RequestProblem) in
        let prefix = "data:\(media.type);base64,"
        writer.member("type", media.isPicture ? "input_image" : "input_file")
        if !media.isPicture { writer.member("filename", OpenAITools.fileName(media)) }
        writer.member(media.isPicture ? "image_url" : "file_data", prefix, base64: media)
      }
    case .toolAnswer, .toolCall: break
    }
  }
}
