import JSON
package import JSONText

/// What an answer holds for whoever asked in our own words.
package struct AnswerContent: Equatable, Sendable {
  package var text = ""
  package var reasoning = ""
  package var toolCalls: [ModelCall.ToolCall] = []

  package init() {}

  /// Where the schema went through a tool, the tool's arguments are the answer.
  package mutating func takeAnswerTool() {
    guard let call = toolCalls.first(where: { $0.name == ModelCall.answerTool }) else { return }
    text = call.arguments.text()
    toolCalls.removeAll { $0.name == ModelCall.answerTool }
  }
}

extension Dialect {
  /// What a whole answer holds.
  package func readContent(_ reply: JSONText) -> AnswerContent {
    var content = AnswerContent()
    switch self {
    case .anthropicMessages: content.readAnthropic(reply.root)
    case .openAIChat: content.readChat(reply.root["choices"]?[0]?["message"])
    case .openAIResponses: content.readResponses(reply.root)
    }
    return content
  }
}

extension AnswerContent {
  fileprivate mutating func readAnthropic(_ message: JSONText.Element) {
    guard let blocks = message["content"]?.elements else { return }
    for block in blocks {
      switch block["type"]?.string {
      case "text": text += block["text"]?.string ?? ""
      case "thinking": reasoning += block["thinking"]?.string ?? ""
      case "tool_use":
        toolCalls.append(
          ModelCall.ToolCall(
            id: block["id"]?.string ?? "", name: block["name"]?.string ?? "",
            arguments: block["input"]?.value ?? [:]))
      default: break
      }
    }
  }

  fileprivate mutating func readChat(_ message: JSONText.Element?) {
    guard let message else { return }
    text = message["content"]?.string ?? message["refusal"]?.string ?? ""
    reasoning = message["reasoning_content"]?.string ?? ""
    guard let calls = message["tool_calls"]?.elements else { return }
    for call in calls {
      let function = call["function"]
      toolCalls.append(
        ModelCall.ToolCall(
          id: call["id"]?.string ?? "", name: function?["name"]?.string ?? "",
          arguments: Self.arguments(function?["arguments"]?.string)))
    }
  }

  fileprivate mutating func readResponses(_ response: JSONText.Element) {
    guard let items = response["output"]?.elements else { return }
    for item in items {
      switch item["type"]?.string {
      case "message":
        guard let parts = item["content"]?.elements else { continue }
        for part in parts { text += part["text"]?.string ?? part["refusal"]?.string ?? "" }
      case "reasoning":
        guard let parts = item["summary"]?.elements else { continue }
        for part in parts { reasoning += part["text"]?.string ?? "" }
      case "function_call":
        toolCalls.append(
          ModelCall.ToolCall(
            id: item["call_id"]?.string ?? "", name: item["name"]?.string ?? "",
            arguments: Self.arguments(item["arguments"]?.string)))
      default: break
      }
    }
  }

  /// Arguments come as JSON within a string; what is none stays the text that it is, so that
  /// whoever asked sees what the model wrote.
  static func arguments(_ text: String?) -> JSONValue {
    guard let text, !text.isEmpty else { return [:] }
    return (try? JSONValue(parsing: text)) ?? .string(text)
  }
}
