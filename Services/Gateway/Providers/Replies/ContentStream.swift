import JSON
import JSONText

/// The pieces of an answer as a stream's events bring them, in our own words.
package struct ContentStream: Sendable {
  package enum Piece: Equatable, Sendable {
    case text(String)
    case reasoning(String)
    /// Whole: its arguments have all come.
    case toolCall(ModelCall.ToolCall)
  }

  /// A tool's call while its arguments are still coming.
  private struct OpenCall: Sendable {
    var id: String
    var name: String
    var arguments = ""
  }

  private let dialect: Dialect
  private var open: [Int: OpenCall] = [:]
  /// All that has come.
  package private(set) var content = AnswerContent()

  package init(_ dialect: Dialect) { self.dialect = dialect }

  /// Named limits of one stream.
  private static let openCallsMax = 128

  /// What an event brings; nothing, most often.
  package mutating func take(_ data: [UInt8]) -> [Piece] {
    guard let event = try? JSONText(checking: data), event.root.kind == .object else { return [] }
    let pieces =
      switch dialect {
      case .anthropicMessages: takeAnthropic(event.root)
      case .openAIChat: takeChat(event.root)
      case .openAIResponses: takeResponses(event.root)
      }
    for piece in pieces {
      switch piece {
      case .text(let text): content.text += text
      case .reasoning(let text): content.reasoning += text
      case .toolCall(let call): content.toolCalls.append(call)
      }
    }
    return pieces
  }

  /// Calls that were open when the stream ended, for dialects that do not close them.
  package mutating func finish() -> [Piece] {
    let pieces = open.keys.sorted().compactMap { close($0) }
    for case .toolCall(let call) in pieces { content.toolCalls.append(call) }
    return pieces
  }

  private mutating func close(_ index: Int) -> Piece? {
    guard let call = open.removeValue(forKey: index) else { return nil }
    return .toolCall(
      ModelCall.ToolCall(
        id: call.id, name: call.name, arguments: AnswerContent.arguments(call.arguments)))
  }

  private mutating func takeAnthropic(_ root: JSONText.Element) -> [Piece] {
    let index = root["index"]?.int ?? 0
    switch root["type"]?.string {
    case "content_block_start":
      guard let block = root["content_block"], block["type"]?.utf8Equals("tool_use") ?? false,
        open.count < Self.openCallsMax
      else { break }
      open[index] = OpenCall(id: block["id"]?.string ?? "", name: block["name"]?.string ?? "")
    case "content_block_delta":
      guard let delta = root["delta"] else { break }
      if let text = delta["text"]?.string { return [.text(text)] }
      if let text = delta["thinking"]?.string { return [.reasoning(text)] }
      if let text = delta["partial_json"]?.string { open[index]?.arguments += text }
    case "content_block_stop": return close(index).map { [$0] } ?? []
    default: break
    }
    return []
  }

  private mutating func takeChat(_ root: JSONText.Element) -> [Piece] {
    guard let choice = root["choices"]?[0], let delta = choice["delta"] else { return [] }
    var pieces: [Piece] = []
    if let text = delta["content"]?.string, !text.isEmpty { pieces.append(.text(text)) }
    if let text = delta["refusal"]?.string, !text.isEmpty { pieces.append(.text(text)) }
    if let text = delta["reasoning_content"]?.string, !text.isEmpty {
      pieces.append(.reasoning(text))
    }
    if let calls = delta["tool_calls"]?.elements {
      for call in calls { take(chatCall: call) }
    }
    if choice["finish_reason"]?.string != nil {
      pieces += open.keys.sorted().compactMap { close($0) }
    }
    return pieces
  }

  private mutating func take(chatCall call: JSONText.Element) {
    let index = call["index"]?.int ?? 0
    let function = call["function"]
    if let id = call["id"]?.string, open[index] == nil, open.count < Self.openCallsMax {
      open[index] = OpenCall(id: id, name: function?["name"]?.string ?? "")
    }
    open[index]?.arguments += function?["arguments"]?.string ?? ""
  }

  private func takeResponses(_ root: JSONText.Element) -> [Piece] {
    switch root["type"]?.string {
    case "response.output_text.delta", "response.refusal.delta":
      return root["delta"]?.string.map { [.text($0)] } ?? []
    case "response.reasoning_summary_text.delta":
      return root["delta"]?.string.map { [.reasoning($0)] } ?? []
    case "response.output_item.done":
      guard let item = root["item"], item["type"]?.utf8Equals("function_call") ?? false else {
        return []
      }
      return [
        .toolCall(
          ModelCall.ToolCall(
            id: item["call_id"]?.string ?? "", name: item["name"]?.string ?? "",
            arguments: AnswerContent.arguments(item["arguments"]?.string)))
      ]
    default: return []
    }
  }
}
