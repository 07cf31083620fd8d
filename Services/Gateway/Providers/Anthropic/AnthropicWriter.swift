import JSON

/// Writes requests to Anthropic's Messages.
enum AnthropicWriter {
  private static let own: Set<String> = [
    "model", "max_tokens", "stream", "temperature", "stop_sequences", "tools", "tool_choice",
    "output_config", "system", "messages",
  ]

  static func write(
    _ call: ModelCall, _ model: String, _ isStream: Bool
  ) throws(RequestProblem) -> BodyWriter {
    guard let most = call.outputTokensMax else {
      throw RequestProblem(.missing, "output_tokens_max")
    }
    var writer = BodyWriter()
    try writer.object { (writer) throws(RequestProblem) in
      writer.member("model", model)
      writer.member("max_tokens", most)
      if isStream { writer.member("stream", true) }
      if let temperature = call.temperature { writer.member("temperature", .number(temperature)) }
      if !call.stopSequences.isEmpty {
        writer.member("stop_sequences", .array(call.stopSequences.map { .string($0) }))
      }
      try call.writeExtra(&writer, own: own)
      tools(call, &writer)
      output(call, &writer)
      let system = call.systemBlocks
      if !system.isEmpty {
        writer.key("system")
        try writer.array { (writer) throws(RequestProblem) in
          for block in system { try self.block(block, &writer) }
        }
      }
      writer.key("messages")
      try messages(call, &writer)
    }
    return writer
  }

  private static func tools(_ call: ModelCall, _ writer: inout BodyWriter) {
    if !call.tools.isEmpty {
      writer.member(
        "tools",
        .array(
          call.tools.map {
            [
              "name": .string($0.name), "description": .string($0.description),
              "input_schema": $0.schema,
            ]
          }))
    }
    switch call.toolChoice {
    case nil: break
    case .auto: writer.member("tool_choice", ["type": "auto"])
    case .any: writer.member("tool_choice", ["type": "any"])
    case .some(.none): writer.member("tool_choice", ["type": "none"])
    case .named(let name):
      writer.member("tool_choice", ["type": "tool", "name": .string(name)])
    }
  }

  private static func output(_ call: ModelCall, _ writer: inout BodyWriter) {
    guard case .schema(_, let schema) = call.output else { return }
    writer.member("output_config", ["format": ["type": "json_schema", "schema": schema]])
  }

  private static func messages(
    _ call: ModelCall, _ writer: inout BodyWriter
  ) throws(RequestProblem) {
    try writer.array { (writer) throws(RequestProblem) in
      for turn in call.turns {
        try writer.object { (writer) throws(RequestProblem) in
          writer.member("role", turn.role == .assistant ? "assistant" : "user")
          writer.key("content")
          try writer.array { (writer) throws(RequestProblem) in
            for block in turn.blocks { try self.block(block, &writer) }
          }
        }
      }
    }
  }

  private static func block(
    _ block: ModelCall.Block, _ writer: inout BodyWriter
  ) throws(RequestProblem) {
    try writer.object { (writer) throws(RequestProblem) in
      switch block.content {
      case .text(let text):
        writer.member("type", "text")
        writer.member("text", text)
      case .media(let media):
        guard block.role == .user else { throw RequestProblem(.unsupported, "blocks.media") }
        writer.member("type", media.isPicture ? "image" : "document")
        writer.key("source")
        try writer.object { (writer) throws(RequestProblem) in
          writer.member("type", "base64")
          writer.member("media_type", media.type)
          writer.member("data", "", base64: media)
        }
        if !media.isPicture, !media.title.isEmpty { writer.member("title", media.title) }
      case .toolAnswer(let callID, let text):
        writer.member("type", "tool_result")
        writer.member("tool_use_id", callID)
        writer.member("content", text)
      case .toolCall(let call):
        writer.member("type", "tool_use")
        writer.member("id", call.id)
        writer.member("name", call.name)
        writer.member("input", call.arguments)
      }
      if block.isCacheBreakpoint {
        writer.member(
          "cache_control",
          block.isKeptLong ? ["type": "ephemeral", "ttl": "1h"] : ["type": "ephemeral"])
      }
    }
  }
}
