import JSON

/// An answer in the words of OpenAI's Responses.
struct ResponsesWriter {
  let reply: Reply

  private enum Stage { case begun, whole }

  func body() -> [UInt8] {
    var writer = JSONWriter()
    response(.whole, to: &writer)
    return writer.bytes
  }

  private var isIncomplete: Bool { reply.answer.stop == .maxTokens }
  private var itemID: String {
    (reply.answer.tool == nil ? "msg_" : "fc_") + reply.names.answer.dropFirst(5)
  }

  private func response(_ stage: Stage, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("id", reply.names.answer)
    writer.field("object", "response")
    writer.field("created_at", reply.names.created)
    writer.field(
      "status", stage == .begun ? "in_progress" : isIncomplete ? "incomplete" : "completed")
    for key in ["background", "parallel_tool_calls"] {
      writer.key(key)
      writer.bool(key == "parallel_tool_calls")
    }
    writer.field("error", nil)
    writer.key("incomplete_details")
    if stage == .whole, isIncomplete {
      writer.beginObject()
      writer.field("reason", "max_output_tokens")
      writer.endObject()
    } else {
      writer.null()
    }
    writer.field("instructions", nil)
    writer.field("model", reply.modelName)
    writer.key("output")
    writer.beginArray()
    if stage == .whole { item(.whole, to: &writer) }
    writer.endArray()
    writer.field("previous_response_id", nil)
    writer.field("service_tier", "default")
    writer.field("tool_choice", "auto")
    writer.key("tools")
    writer.beginArray()
    writer.endArray()
    writer.key("usage")
    if stage == .whole, reply.shownUsage != .missing { usage(to: &writer) } else { writer.null() }
    writer.key("metadata")
    writer.beginObject()
    writer.endObject()
    writer.endObject()
  }

  private func item(_ stage: Stage, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("id", itemID)
    if let tool = reply.answer.tool {
      writer.field("type", "function_call")
      writer.field("call_id", "call_\(reply.names.answer.dropFirst(5))")
      writer.field("name", tool.name)
      writer.field("arguments", stage == .whole ? tool.arguments : "")
    } else {
      writer.field("type", "message")
      writer.field("role", "assistant")
      writer.key("content")
      writer.beginArray()
      if stage == .whole { part(reply.answer.text ?? "", to: &writer) }
      writer.endArray()
    }
    writer.field(
      "status", stage == .begun ? "in_progress" : isIncomplete ? "incomplete" : "completed")
    writer.endObject()
  }

  private func part(_ text: String, to writer: inout JSONWriter) {
    writer.beginObject()
    if reply.answer.stop == .refusal {
      writer.field("type", "refusal")
      writer.field("refusal", text)
    } else {
      writer.field("type", "output_text")
      writer.field("text", text)
      for key in ["annotations", "logprobs"] {
        writer.key(key)
        writer.beginArray()
        writer.endArray()
      }
    }
    writer.endObject()
  }

  private func usage(to writer: inout JSONWriter) {
    func count(_ key: String, _ value: Int) {
      writer.key(key)
      if let number = JSONNumber(reply.shownUsage.shown(value)) { writer.number(number) }
    }
    let usage = reply.usage
    writer.beginObject()
    count("input_tokens", usage.prompt)
    writer.key("input_tokens_details")
    writer.beginObject()
    count("cached_tokens", usage.cacheRead)
    if reply.request.model.billsCacheWrites { count("cache_write_tokens", usage.cacheWrite) }
    writer.endObject()
    count("output_tokens", usage.output)
    writer.key("output_tokens_details")
    writer.beginObject()
    writer.field("reasoning_tokens", 0)
    writer.endObject()
    count("total_tokens", usage.prompt + usage.output)
    writer.endObject()
  }

  // MARK: - Stream

  /// Numbers the events as they come.
  private struct Events {
    var parts: [StreamPart] = []
    private var number = 0

    mutating func add(
      _ name: String, _ kind: StreamPart.Kind, tokens: Int = 0,
      _ members: (inout JSONWriter) -> Void
    ) {
      let sequence = number
      number += 1
      let bytes = MessagesWriter.event(name) { writer in
        writer.field("type", name)
        writer.field("sequence_number", sequence)
        members(&writer)
      }
      parts.append(StreamPart(kind, bytes, tokens: tokens))
    }
  }

  func stream() -> [StreamPart] {
    var events = Events()
    for name in ["response.created", "response.in_progress"] {
      events.add(name, .opening) { writer in
        writer.key("response")
        response(.begun, to: &writer)
      }
    }
    addItem("response.output_item.added", .begun, .opening, &events)
    addContent(&events)
    addItem("response.output_item.done", .whole, .closing, &events)
    let last = isIncomplete ? "response.incomplete" : "response.completed"
    events.add(last, .closing) { writer in
      writer.key("response")
      response(.whole, to: &writer)
    }
    return events.parts
  }

  private func addItem(
    _ name: String, _ stage: Stage, _ kind: StreamPart.Kind, _ events: inout Events
  ) {
    events.add(name, kind) { writer in
      writer.field("output_index", 0)
      writer.key("item")
      item(stage, to: &writer)
    }
  }

  private func place(to writer: inout JSONWriter, hasContent: Bool) {
    writer.field("item_id", itemID)
    writer.field("output_index", 0)
    if hasContent { writer.field("content_index", 0) }
  }

  private func addContent(_ events: inout Events) {
    let isTool = reply.answer.tool != nil
    let whole = reply.answer.payload
    let stem =
      isTool
      ? "response.function_call_arguments"
      : reply.answer.stop == .refusal ? "response.refusal" : "response.output_text"
    let isText = stem == "response.output_text"
    if !isTool {
      events.add("response.content_part.added", .opening) { writer in
        place(to: &writer, hasContent: true)
        writer.key("part")
        part("", to: &writer)
      }
    }
    for piece in reply.answer.pieces() {
      events.add("\(stem).delta", .delta, tokens: TokenLaw.text(piece)) { writer in
        place(to: &writer, hasContent: !isTool)
        writer.field("delta", piece)
        if isText { noLogprobs(to: &writer) }
      }
    }
    events.add("\(stem).done", .closing) { writer in
      place(to: &writer, hasContent: !isTool)
      writer.field(isTool ? "arguments" : isText ? "text" : "refusal", whole)
      if let tool = reply.answer.tool { writer.field("name", tool.name) }
      if isText { noLogprobs(to: &writer) }
    }
    guard !isTool else { return }
    events.add("response.content_part.done", .closing) { writer in
      place(to: &writer, hasContent: true)
      writer.key("part")
      part(whole, to: &writer)
    }
  }

  private func noLogprobs(to writer: inout JSONWriter) {
    writer.key("logprobs")
    writer.beginArray()
    writer.endArray()
  }
}
