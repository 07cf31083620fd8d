import JSON

/// An answer in the words of OpenAI's Chat Completions.
struct ChatWriter {
  let reply: Reply

  func body() -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    head(to: &writer, object: "chat.completion")
    writer.key("choices")
    writer.beginArray()
    writer.beginObject()
    writer.field("index", 0)
    writer.key("message")
    message(to: &writer)
    writer.key("logprobs")
    writer.null()
    writer.field("finish_reason", finishReason)
    writer.endObject()
    writer.endArray()
    usage(to: &writer)
    writer.endObject()
    return writer.bytes
  }

  private func head(to writer: inout JSONWriter, object: String) {
    writer.field("id", reply.names.answer)
    writer.field("object", object)
    writer.field("created", reply.names.created)
    writer.field("model", reply.modelName)
    writer.field("service_tier", "default")
    writer.field("system_fingerprint", "fp_sim")
  }

  private var isRefusal: Bool { reply.answer.stop == .refusal }

  private func message(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("role", "assistant")
    writer.field("content", isRefusal ? nil : reply.answer.text)
    writer.field("refusal", isRefusal ? reply.answer.text ?? "" : nil)
    if let tool = reply.answer.tool {
      writer.key("tool_calls")
      writer.beginArray()
      call(tool, arguments: tool.arguments, index: nil, to: &writer)
      writer.endArray()
    }
    writer.key("annotations")
    writer.beginArray()
    writer.endArray()
    writer.endObject()
  }

  private func call(
    _ tool: ToolCall, arguments: String, index: Int?, to writer: inout JSONWriter
  ) {
    writer.beginObject()
    if let index { writer.field("index", index) }
    writer.field("id", "call_\(reply.names.answer.dropFirst(9))")
    writer.field("type", "function")
    writer.key("function")
    writer.beginObject()
    writer.field("name", tool.name)
    writer.field("arguments", arguments)
    writer.endObject()
    writer.endObject()
  }

  private var finishReason: String {
    switch reply.answer.stop {
    case .end, .stopSequence, .refusal: "stop"
    case .maxTokens: "length"
    case .toolUse: "tool_calls"
    }
  }

  private func usage(to writer: inout JSONWriter) {
    guard reply.shownUsage != .missing else { return }
    func count(_ key: String, _ value: Int) {
      writer.key(key)
      if let number = JSONNumber(reply.shownUsage.shown(value)) { writer.number(number) }
    }
    let usage = reply.usage
    writer.key("usage")
    writer.beginObject()
    count("prompt_tokens", usage.prompt)
    count("completion_tokens", usage.output)
    count("total_tokens", usage.prompt + usage.output)
    writer.key("prompt_tokens_details")
    writer.beginObject()
    count("cached_tokens", usage.cacheRead)
    if reply.request.model.billsCacheWrites { count("cache_write_tokens", usage.cacheWrite) }
    writer.field("audio_tokens", 0)
    writer.endObject()
    writer.key("completion_tokens_details")
    writer.beginObject()
    writer.field("reasoning_tokens", 0)
    writer.field("audio_tokens", 0)
    writer.field("accepted_prediction_tokens", 0)
    writer.field("rejected_prediction_tokens", 0)
    writer.endObject()
    writer.endObject()
  }

  // MARK: - Stream

  func stream() -> [StreamPart] {
    var parts = [
      chunk(.opening) { writer in
        writer.field("role", "assistant")
        if let tool = reply.answer.tool {
          writer.field("content", nil)
          writer.key("tool_calls")
          writer.beginArray()
          call(tool, arguments: "", index: 0, to: &writer)
          writer.endArray()
        } else {
          writer.field("content", "")
        }
        writer.field("refusal", nil)
      }
    ]
    for piece in reply.answer.pieces() {
      parts.append(chunk(.delta, tokens: TokenLaw.text(piece)) { delta(piece, to: &$0) })
    }
    parts.append(chunk(.closing, finish: finishReason) { _ in })
    if reply.request.includesUsage { parts.append(usageChunk()) }
    parts.append(StreamPart(.closing, Array("data: [DONE]\n\n".utf8)))
    return parts
  }

  private func delta(_ piece: String, to writer: inout JSONWriter) {
    guard reply.answer.tool != nil else {
      return writer.field(isRefusal ? "refusal" : "content", piece)
    }
    writer.key("tool_calls")
    writer.beginArray()
    writer.beginObject()
    writer.field("index", 0)
    writer.key("function")
    writer.beginObject()
    writer.field("arguments", piece)
    writer.endObject()
    writer.endObject()
    writer.endArray()
  }

  private func chunk(
    _ kind: StreamPart.Kind, tokens: Int = 0, finish: String? = nil,
    _ delta: (inout JSONWriter) -> Void
  ) -> StreamPart {
    let bytes = Self.data { writer in
      head(to: &writer, object: "chat.completion.chunk")
      writer.key("choices")
      writer.beginArray()
      writer.beginObject()
      writer.field("index", 0)
      writer.key("delta")
      writer.beginObject()
      delta(&writer)
      writer.endObject()
      writer.key("logprobs")
      writer.null()
      writer.field("finish_reason", finish)
      writer.endObject()
      writer.endArray()
      if reply.request.includesUsage {
        writer.key("usage")
        writer.null()
      }
    }
    return StreamPart(kind, bytes, tokens: tokens)
  }

  private func usageChunk() -> StreamPart {
    let bytes = Self.data { writer in
      head(to: &writer, object: "chat.completion.chunk")
      writer.key("choices")
      writer.beginArray()
      writer.endArray()
      usage(to: &writer)
    }
    return StreamPart(.closing, bytes)
  }

  static func data(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter(appendingTo: Array("data: ".utf8))
    writer.beginObject()
    members(&writer)
    writer.endObject()
    writer.raw(0x0A)
    writer.raw(0x0A)
    return writer.bytes
  }
}
