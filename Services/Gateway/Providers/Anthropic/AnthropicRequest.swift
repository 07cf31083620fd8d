import JSONText

/// A request to Anthropic's Messages.
enum AnthropicRequest {
  static func read(_ body: JSONText) throws(RequestProblem) -> CallFacts {
    let root = body.root
    let model = JSONTextField("model", in: root)
    var facts = CallFacts(model: try model.required(try model.string()))
    facts.isStream = try JSONTextField("stream", in: root).bool()
    let most = JSONTextField("max_tokens", in: root)
    facts.outputTokensMax = try most.int(in: ProviderLimits.outputTokensRange)
    try refuseUnpriced(root)
    facts.hasSchema = root["output_config"]?["format"].map { !$0.isNull } ?? false
    facts.hasHiddenInput = ["container", "context_management"].contains { root[$0] != nil }
    try readTools(root, &facts)

    var walk = BlockWalk()
    if let system = root["system"] { walk.content(system, depth: 0) }
    let messages = JSONTextField("messages", in: root)
    for message in try messages.required(try messages.elements()) {
      if let content = message["content"] { walk.content(content, depth: 0) }
    }
    facts.pictures = walk.pictures
    facts.documents = walk.documents
    facts.cacheBreakpoints += walk.breakpoints
    if root["cache_control"].map({ !$0.isNull }) ?? false { facts.cacheBreakpoints += 1 }
    facts.textBytes = Int64(body.bytes.count - walk.mediaBytes)
    return facts
  }

  /// What is billed by another law than tokens at the model's price.
  private static func refuseUnpriced(_ root: JSONText.Element) throws(RequestProblem) {
    if let speed = root["speed"], !speed.isNull, !speed.utf8Equals("standard") {
      throw RequestProblem(.unpriced, "speed")
    }
    if let place = root["inference_geo"], !place.isNull, !place.utf8Equals("global") {
      throw RequestProblem(.unpriced, "inference_geo")
    }
    if let servers = root["mcp_servers"], servers.count > 0 {
      throw RequestProblem(.unpriced, "mcp_servers")
    }
  }

  private static func readTools(
    _ root: JSONText.Element, _ facts: inout CallFacts
  ) throws(RequestProblem) {
    guard let tools = try JSONTextField("tools", in: root).elements() else { return }
    for (place, tool) in tools.enumerated() {
      facts.hasTools = true
      if tool["cache_control"].map({ !$0.isNull }) ?? false { facts.cacheBreakpoints += 1 }
      guard let type = tool["type"], !type.isNull, !type.utf8Equals("custom") else { continue }
      let name = type.string ?? ""
      // Run by the caller, and so paid like any tool of its own.
      if clientTools.contains(where: name.hasPrefix) { continue }
      guard name.hasPrefix("web_search_") else {
        throw RequestProblem(.unpriced, "tools[\(place)].type")
      }
      let uses = JSONTextField("max_uses", in: tool)
      guard let most = try uses.int(in: ProviderLimits.hostedUsesRange) else {
        throw RequestProblem(.missing, "tools[\(place)].max_uses")
      }
      facts.webSearchesMax += most
      facts.hostedUsesMax += most
    }
  }

  private static let clientTools = ["bash_", "text_editor_", "computer_", "memory_"]
}

/// Walks the blocks of messages for what is no text.
private struct BlockWalk {
  var pictures: Int64 = 0
  var documents: Int64 = 0
  var breakpoints = 0
  /// Bytes of base64 that never become text.
  var mediaBytes = 0

  /// Blocks within blocks: a tool's result, a document made of blocks.
  private static let depthMax = 4

  mutating func content(_ content: JSONText.Element, depth: Int) {
    guard depth < Self.depthMax else {
      // Deeper than any provider takes: whatever it is, the window bounds it.
      documents += 1
      return
    }
    for block in content.elements {
      if let mark = block["cache_control"], !mark.isNull { breakpoints += 1 }
      guard let type = block["type"] else { continue }
      if type.utf8Equals("text") { continue }
      if type.utf8Equals("image") {
        pictures += 1
        source(block)
      } else if type.utf8Equals("document") {
        document(block, depth: depth)
      } else if let inner = block["content"] {
        self.content(inner, depth: depth + 1)
      }
    }
  }

  private mutating func document(_ block: JSONText.Element, depth: Int) {
    guard let type = block["source"]?["type"] else { return }
    if type.utf8Equals("text") { return }
    if type.utf8Equals("content"), let inner = block["source"]?["content"] {
      content(inner, depth: depth + 1)
    } else {
      documents += 1
      source(block)
    }
  }

  private mutating func source(_ block: JSONText.Element) {
    guard let source = block["source"], source["type"]?.utf8Equals("base64") ?? false,
      let data = source["data"], data.kind == .string
    else { return }
    mediaBytes += data.range.count
  }
}
