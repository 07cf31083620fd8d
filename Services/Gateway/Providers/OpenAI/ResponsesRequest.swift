import JSONText

/// A request to OpenAI's Responses.
enum ResponsesRequest {
  static func read(_ body: JSONText) throws(RequestProblem) -> CallFacts {
    let root = body.root
    let model = JSONTextField("model", in: root)
    var facts = CallFacts(model: try model.required(try model.string()))
    facts.isStream = try JSONTextField("stream", in: root).bool()
    facts.outputTokensMax = try JSONTextField("max_output_tokens", in: root)
      .int(in: ProviderLimits.outputTokensRange)
    facts.hasSchema = root["text"]?["format"]?["schema"] != nil
    try OpenAIPricing.refuseUnpriced(root)
    // Its answer would come after the call has ended, where nobody waits to settle it.
    if try JSONTextField("background", in: root).bool() {
      throw RequestProblem(.unsupported, "background")
    }
    facts.hasHiddenInput = ["previous_response_id", "conversation", "prompt"].contains {
      JSONTextField($0, in: root).isPresent
    }
    if let tools = try JSONTextField("tools", in: root).elements() {
      for (place, tool) in tools.enumerated() {
        facts.hasTools = true
        guard let type = tool["type"] else { continue }
        guard type.utf8Equals("function") || type.utf8Equals("custom") else {
          throw RequestProblem(.unpriced, "tools[\(place)].type")
        }
      }
    }
    let input = JSONTextField("input", in: root)
    guard let element = input.element else {
      guard facts.hasHiddenInput else { throw RequestProblem(.missing, "input") }
      facts.textBytes = Int64(body.bytes.count)
      return facts
    }
    var walk = PartWalk()
    switch element.kind {
    case .string: break
    case .array:
      for (place, item) in element.elements.enumerated() {
        if item["type"]?.utf8Equals("item_reference") ?? false { facts.hasHiddenInput = true }
        if let content = item["content"] { try walk.parts(content, "input[\(place)].content") }
        if let output = item["output"] { try walk.parts(output, "input[\(place)].output") }
      }
    default: throw input.wrongType()
    }
    walk.tell(&facts, bodyBytes: body.bytes.count)
    return facts
  }
}
