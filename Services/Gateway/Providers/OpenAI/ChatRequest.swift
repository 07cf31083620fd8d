import JSON
import JSONText

/// A request to OpenAI's Chat Completions.
enum ChatRequest {
  static func read(_ body: JSONText) throws(RequestProblem) -> CallFacts {
    let root = body.root
    let model = JSONTextField("model", in: root)
    var facts = CallFacts(model: try model.required(try model.string()))
    facts.isStream = try JSONTextField("stream", in: root).bool()
    if let options = root["stream_options"], options.kind == .object {
      facts.wantsStreamUsage = try JSONTextField("include_usage", in: options).bool()
    }
    let most = JSONTextField("max_completion_tokens", in: root)
    let oldMost = JSONTextField("max_tokens", in: root)
    let range = ProviderLimits.outputTokensRange
    let oldCount = try oldMost.int(in: range)
    facts.outputTokensMax = try most.int(in: range) ?? oldCount
    facts.answers =
      try JSONTextField("n", in: root).int(in: ProviderLimits.answersRange) ?? 1
    facts.hasSchema = root["response_format"]?["json_schema"] != nil
    try OpenAIPricing.refuseUnpriced(root)
    for name in ["web_search_options", "audio"] where JSONTextField(name, in: root).isPresent {
      throw RequestProblem(.unpriced, name)
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
    let messages = JSONTextField("messages", in: root)
    var walk = PartWalk()
    for (place, message) in try messages.required(try messages.elements()).enumerated() {
      guard let content = message["content"] else { continue }
      try walk.parts(content, "messages[\(place)].content")
    }
    walk.tell(&facts, bodyBytes: body.bytes.count)
    return facts
  }

  /// A stream tells its usage only when it was asked to.
  static func askForUsage(_ edits: inout JSONEdits) throws(JSONEditError) {
    let root = edits.text.root
    guard let options = root["stream_options"] else {
      return try edits.insert(
        JSONFragment(["include_usage": true]), for: "stream_options", in: root)
    }
    guard options.kind == .object else {
      return try edits.replace(options, with: JSONFragment(["include_usage": true]))
    }
    if let flag = options["include_usage"] {
      try edits.replace(flag, with: JSONFragment(true))
    } else {
      try edits.insert(JSONFragment(true), for: "include_usage", in: options)
    }
  }
}
