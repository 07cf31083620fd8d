package import JSON
package import JSONText

extension Dialect {
  /// Reads a request for what it will cost and how it goes on; its bytes stay as they are.
  package func read(_ body: JSONText) throws(RequestProblem) -> CallFacts {
    guard body.root.kind == .object else { throw RequestProblem(.wrongType, "body") }
    return switch self {
    case .anthropicMessages: try AnthropicRequest.read(body)
    case .openAIChat: try ChatRequest.read(body)
    case .openAIResponses: try ResponsesRequest.read(body)
    }
  }

  /// Checks bytes, then reads them.
  package func read(
    checking bytes: consuming [UInt8], limits: JSONLimits
  ) throws(RequestProblem) -> (JSONText, CallFacts) {
    let text: JSONText
    do {
      text = try JSONText(checking: bytes, limits: limits)
    } catch {
      throw RequestProblem(.notJSON(error))
    }
    return (text, try read(text))
  }

  /// The edits that make of a caller's body the provider's: the provider's name of the model, and
  /// the usage that a stream would not tell.
  package func upstreamEdits(
    of body: JSONText, _ facts: CallFacts, model: String
  ) throws(JSONEditError) -> JSONEdits {
    var edits = JSONEdits(of: body)
    if facts.model != model, let element = body["model"] {
      try edits.replace(element, with: JSONFragment(.string(model)))
    }
    if self == .openAIChat, facts.isStream, !facts.wantsStreamUsage {
      try ChatRequest.askForUsage(&edits)
    }
    return edits
  }

  /// What changes no answer, and so stays out of the key of a cache.
  package var unansweredPaths: [JSONPath] {
    switch self {
    case .anthropicMessages: [["metadata"]]
    case .openAIChat, .openAIResponses: [["metadata"], ["user"], ["safety_identifier"]]
    }
  }
}
