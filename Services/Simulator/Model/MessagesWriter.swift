import JSON

/// An answer in Anthropic's words.
struct MessagesWriter {
  let reply: Reply

  func body() -> [UInt8] {
    var writer = JSONWriter()
    message(to: &writer, isWhole: true)
    return writer.bytes
  }

  private func message(to writer: inout JSONWriter, isWhole: Bool) {
    writer.beginObject()
    writer.field("id", reply.names.answer)
    writer.field("type", "message")
    writer.field("role", "assistant")
    writer.field("model", reply.modelName)
    writer.key("content")
    writer.beginArray()
    if isWhole { content(to: &writer) }
    writer.endArray()
    writer.field("stop_reason", isWhole ? stopReason : nil)
    writer.field("stop_sequence", isWhole ? stopSequence : nil)
    if isWhole { stopDetails(to: &writer) }
    if reply.shownUsage != .missing {
      writer.key("usage")
      usage(to: &writer, output: isWhole ? reply.usage.output : min(1, reply.usage.output))
    }
    writer.endObject()
  }

  private func content(to writer: inout JSONWriter) {
    if let tool = reply.answer.tool {
      block(of: tool, with: try? JSONValue(parsing: tool.arguments), to: &writer)
    } else if let text = reply.answer.text {
      writer.beginObject()
      writer.field("type", "text")
      writer.field("text", text)
      writer.endObject()
    }
  }

  private func block(
    of tool: ToolCall, with input: JSONValue?, to writer: inout JSONWriter
  ) {
    writer.beginObject()
    writer.field("type", "tool_use")
    writer.field("id", "toolu_\(reply.names.answer.dropFirst(4))")
    writer.field("name", tool.name)
    writer.key("input")
    writer.value(input ?? .object(JSONObject()))
    writer.endObject()
  }

  private var stopReason: String {
    switch reply.answer.stop {
    case .end: "end_turn"
    case .maxTokens: "max_tokens"
    case .toolUse: "tool_use"
    case .refusal: "refusal"
    case .stopSequence: "stop_sequence"
    }
  }

  private var stopSequence: String? {
    guard case .stopSequence(let sequence) = reply.answer.stop else { return nil }
    return sequence
  }

  private func stopDetails(to writer: inout JSONWriter) {
    guard reply.answer.stop == .refusal else { return }
    writer.key("stop_details")
    writer.beginObject()
    writer.field("type", "refusal")
    writer.field("category", nil)
    writer.field("explanation", nil)
    writer.endObject()
  }

  private func usage(to writer: inout JSONWriter, output: Int) {
    func count(_ key: String, _ value: Int) {
      writer.key(key)
      // Beyond an Int64 only as text that is a number.
      if let number = JSONNumber(reply.shownUsage.shown(value)) { writer.number(number) }
    }
    let usage = reply.usage
    writer.beginObject()
    count("input_tokens", usage.input)
    count("cache_creation_input_tokens", usage.cacheWrite5m + usage.cacheWrite1h)
    count("cache_read_input_tokens", usage.cacheRead)
    writer.key("cache_creation")
    writer.beginObject()
    count("ephemeral_5m_input_tokens", usage.cacheWrite5m)
    count("ephemeral_1h_input_tokens", usage.cacheWrite1h)
    writer.endObject()
    count("output_tokens", output)
    writer.field("service_tier", "standard")
    writer.endObject()
  }

  // MARK: - Stream

  func stream() -> [StreamPart] {
    var parts = [opening()]
    if reply.answer.tool != nil || reply.answer.text != nil {
      parts.append(blockStart())
      parts.append(StreamPart(.ping, Self.event("ping") { $0.field("type", "ping") }))
      for piece in reply.answer.pieces() { parts.append(delta(piece)) }
      parts.append(blockStop())
    }
    parts.append(messageDelta())
    parts.append(
      StreamPart(.closing, Self.event("message_stop") { $0.field("type", "message_stop") }))
    return parts
  }

  private func opening() -> StreamPart {
    var opening = self.reply
    if opening.shownUsage == .shrinking { opening.shownUsage = .exact }
    let writer = MessagesWriter(reply: opening)
    return StreamPart(
      .opening,
      Self.event("message_start") {
        $0.field("type", "message_start")
        $0.key("message")
        writer.message(to: &$0, isWhole: false)
      })
  }

  private func blockStart() -> StreamPart {
    StreamPart(
      .opening,
      Self.event("content_block_start") {
        $0.field("type", "content_block_start")
        $0.field("index", 0)
        $0.key("content_block")
        if let tool = reply.answer.tool {
          block(of: tool, with: nil, to: &$0)
        } else {
          $0.beginObject()
          $0.field("type", "text")
          $0.field("text", "")
          $0.endObject()
        }
      })
  }

  private func delta(_ piece: String) -> StreamPart {
    let isTool = reply.answer.tool != nil
    return StreamPart(
      .delta,
      Self.event("content_block_delta") {
        $0.field("type", "content_block_delta")
        $0.field("index", 0)
        $0.key("delta")
        $0.beginObject()
        $0.field("type", isTool ? "input_json_delta" : "text_delta")
        $0.field(isTool ? "partial_json" : "text", piece)
        $0.endObject()
      }, tokens: TokenLaw.text(piece))
  }

  private func blockStop() -> StreamPart {
    StreamPart(
      .closing,
      Self.event("content_block_stop") {
        $0.field("type", "content_block_stop")
        $0.field("index", 0)
      })
  }

  private func messageDelta() -> StreamPart {
    StreamPart(
      .closing,
      Self.event("message_delta") {
        $0.field("type", "message_delta")
        $0.key("delta")
        $0.beginObject()
        $0.field("stop_reason", stopReason)
        $0.field("stop_sequence", stopSequence)
        stopDetails(to: &$0)
        $0.endObject()
        if reply.shownUsage != .missing {
          $0.key("usage")
          usage(to: &$0, output: reply.usage.output)
        }
      })
  }

  static func event(_ name: String, _ members: (inout JSONWriter) -> Void) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(contentsOf: "event: ".utf8)
    bytes.append(contentsOf: name.utf8)
    bytes.append(contentsOf: "\ndata: ".utf8)
    var writer = JSONWriter(appendingTo: bytes)
    writer.beginObject()
    members(&writer)
    writer.endObject()
    writer.raw(0x0A)
    writer.raw(0x0A)
    return writer.bytes
  }
}
