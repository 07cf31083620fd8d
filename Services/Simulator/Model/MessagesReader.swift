package import JSON

/// Reads an Anthropic Messages request, and refuses what the API refuses in its words.
package struct MessagesReader {
  /// For what the body was sent.
  package enum Purpose: Sendable { case answer, count, batch }

  let body: JSONObject
  let purpose: Purpose
  let model: SimulatedModel
  var request: PromptRequest
  /// Every breakpoint in its order, for the two rules about them.
  private var lives: [CacheLife] = []

  /// The request, or the first thing that is wrong with it.
  package static func read(
    _ value: JSONValue, for purpose: Purpose
  ) throws(ProviderError) -> PromptRequest {
    guard case .object(let body) = value else {
      throw .invalid("The request body must be a JSON object.")
    }
    guard let name = body["model"] else { throw .invalid("model: Field required") }
    guard let name = name.stringValue else {
      throw .invalid("model: Input should be a valid string")
    }
    guard let model = SimulatedModel.named(name), model.isAnthropic else {
      throw ProviderError(404, "not_found_error", "model: \(name)")
    }
    var reader = MessagesReader(body, purpose, model)
    try reader.read()
    return reader.request
  }

  private init(_ body: JSONObject, _ purpose: Purpose, _ model: SimulatedModel) {
    self.body = body
    self.purpose = purpose
    self.model = model
    request = PromptRequest(dialect: .messages, model: model)
  }

  private mutating func read() throws(ProviderError) {
    try readLimits()
    try readTools()
    try readFormat()
    try readSystem()
    try readMessages()
    try placeAutomaticBreakpoint()
    try checkBreakpoints()
    request.shape = shape()
    request.prefixShape = hash(of: ["output_format"], and: body["output_config"]?["format"])
    request.messagesShape = hash(
      of: ["tool_choice", "thinking"], and: .bool(request.hasImages))
    guard request.promptTokens <= model.contextTokens else {
      throw .invalid(
        "prompt is too long: \(request.promptTokens) tokens > \(model.contextTokens) maximum")
    }
  }

  // MARK: - Numbers and flags

  private mutating func readLimits() throws(ProviderError) {
    if let stream = body["stream"] {
      guard let flag = stream.boolValue else {
        throw .invalid("stream: Input should be a valid boolean")
      }
      guard !flag || purpose != .batch else {
        throw .invalid("stream: streaming is not supported in batches")
      }
      request.isStream = flag
    }
    if purpose != .count { try readMaxTokens() }
    for key in ["temperature", "top_p", "top_k"] {
      guard let value = body[key], !value.isNull else { continue }
      guard !model.refusesSampling else {
        throw .invalid("`\(key)` is deprecated for this model.")
      }
      guard let number = value.doubleValue, number >= 0, key == "top_k" || number <= 1 else {
        throw .invalid("\(key): Input should be less than or equal to 1")
      }
    }
    if model.refusesSampling, body["thinking"]?["budget_tokens"] != nil {
      throw .invalid("thinking.budget_tokens: not supported by this model, use adaptive thinking")
    }
    for value in body["stop_sequences"]?.arrayValue ?? [] {
      guard let sequence = value.stringValue, sequence.contains(where: { !$0.isWhitespace }) else {
        throw .invalid("stop_sequences: each stop sequence must contain non-whitespace")
      }
      request.stopSequences.append(sequence)
    }
  }

  private mutating func readMaxTokens() throws(ProviderError) {
    guard let given = body["max_tokens"] else { throw .invalid("max_tokens: Field required") }
    guard let count = given.intValue else {
      throw .invalid("max_tokens: Input should be a valid integer")
    }
    // Zero warms the cache, where nothing else is asked for.
    let mayBeZero =
      purpose == .answer && !request.isStream && body["output_config"]?["format"] == nil
      && body["thinking"] == nil
      && !["any", "tool"].contains(body["tool_choice"]?["type"]?.stringValue ?? "")
    guard count >= (mayBeZero ? 0 : 1) else {
      throw .invalid("max_tokens: must be greater than or equal to 1")
    }
    guard count <= model.outputTokensMax else {
      throw .invalid(
        "max_tokens: \(count) > \(model.outputTokensMax), which is the maximum allowed number of "
          + "output tokens for \(model.id)")
    }
    request.maxTokens = count
  }

  // MARK: - Tools and format

  private mutating func readTools() throws(ProviderError) {
    for (index, tool) in (body["tools"]?.arrayValue ?? []).enumerated() {
      guard let name = tool["name"]?.stringValue, (1...128).contains(name.utf8.count) else {
        throw .invalid("tools.\(index).custom.name: Field required")
      }
      guard !request.tools.contains(where: { $0.name == name }) else {
        throw .invalid("tools: Tool names must be unique.")
      }
      // Tools of the provider's own (`type` beside `custom`) have no schema.
      let isCustom = tool["type"].map { $0 == "custom" } ?? true
      let ownSchema: JSONValue? = isCustom ? .none : .object(["type": "object"])
      guard let schema = tool["input_schema"] ?? ownSchema else {
        throw .invalid("tools.\(index).custom.input_schema: Field required")
      }
      guard schema["type"]?.stringValue == "object" else {
        throw .invalid("tools.\(index).custom.input_schema.type: Input should be 'object'")
      }
      if tool["strict"] == .bool(true), let problem = SchemaCheck.anthropic(schema) {
        throw .invalid("tools.\(index).custom: \(problem)")
      }
      request.tools.append(ToolDefinition(name: name, schema: schema))
      request.blocks.append(
        PromptBlock(
          level: .tools, hash: ContentHash.of(tool, skipping: ["cache_control"]),
          tokens: TokenLaw.tool + TokenLaw.json(tool),
          breakpoint: try breakpoint(of: tool, "tools.\(index)"), text: ""))
    }
    let strict = (body["tools"]?.arrayValue ?? []).count { $0["strict"] == .bool(true) }
    guard strict <= 20 else { throw .invalid("tools: at most 20 strict tools are supported") }
    try readDemand()
  }

  private mutating func readDemand() throws(ProviderError) {
    guard let choice = body["tool_choice"], !choice.isNull else { return }
    switch choice["type"]?.stringValue {
    case "auto": request.demand = .free
    case "none": request.demand = .none
    case "any": request.demand = .forced(nil)
    case "tool":
      guard let name = choice["name"]?.stringValue else {
        throw .invalid("tool_choice.tool.name: Field required")
      }
      guard request.tools.contains(where: { $0.name == name }) else {
        throw .invalid("tool_choice: Tool '\(name)' not found in provided tools")
      }
      request.demand = .forced(name)
    default:
      throw .invalid("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
    }
    guard !request.tools.isEmpty || request.demand == .none else {
      throw .invalid("tool_choice may only be specified while providing tools.")
    }
  }

  private mutating func readFormat() throws(ProviderError) {
    guard let format = body["output_config"]?["format"] ?? body["output_format"], !format.isNull
    else { return }
    guard format["type"]?.stringValue == "json_schema", let schema = format["schema"] else {
      throw .invalid("output_config.format: Input should have type 'json_schema' and a schema")
    }
    if let problem = SchemaCheck.anthropic(schema) {
      throw .invalid("output_config.format.schema: \(problem)")
    }
    request.schema = schema
  }

  /// What changes the answer beside the blocks.
  private func shape() -> UInt64 {
    var hash = ContentHash()
    for key in [
      "tool_choice", "thinking", "output_config", "output_format", "stop_sequences", "max_tokens",
      "temperature", "top_p", "top_k",
    ] {
      if let value = body[key] { hash.json(value) }
      hash.mix(10)
    }
    return hash.value
  }

  private func hash(of keys: [String], and further: JSONValue?) -> UInt64 {
    var hash = ContentHash()
    for key in keys {
      if let value = body[key] { hash.json(value) }
      hash.mix(10)
    }
    if let further { hash.json(further) }
    return hash.value
  }

  // MARK: - System and messages

  private mutating func readSystem() throws(ProviderError) {
    switch body["system"] {
    case nil, .null?: return
    case .string(let text)?: append(.system, role: "system", text, nil)
    case .array(let blocks)?:
      for (index, block) in blocks.enumerated() {
        guard block["type"]?.stringValue == "text", let text = block["text"]?.stringValue else {
          throw .invalid("system.\(index).type: Input should be 'text'")
        }
        append(.system, role: "system", text, try breakpoint(of: block, "system.\(index)"))
      }
    default: throw .invalid("system: Input should be a valid string or list")
    }
  }

  private mutating func append(
    _ level: PromptBlock.Level, role: String, _ text: String, _ life: CacheLife?, extra: Int = 0
  ) {
    var hash = ContentHash()
    hash.text(role)
    hash.text(text)
    request.blocks.append(
      PromptBlock(
        level: level, hash: hash.value, tokens: TokenLaw.text(text) + extra, breakpoint: life,
        text: text))
  }

  private mutating func readMessages() throws(ProviderError) {
    guard let given = body["messages"] else { throw .invalid("messages: Field required") }
    guard let messages = given.arrayValue else {
      throw .invalid("messages: Input should be a valid list")
    }
    guard !messages.isEmpty else { throw .invalid("messages: at least one message is required") }
    for (index, message) in messages.enumerated() {
      guard let role = message["role"]?.stringValue, role == "user" || role == "assistant" else {
        throw .invalid("messages.\(index).role: Input should be 'user' or 'assistant'")
      }
      switch message["content"] {
      case .string(let text)?:
        guard !text.isEmpty || role == "assistant" else {
          throw .invalid("messages.\(index): user messages must have non-empty content")
        }
        append(.messages, role: role, text, nil, extra: TokenLaw.message)
      case .array(let blocks)?:
        guard !blocks.isEmpty else {
          throw .invalid("messages.\(index): all messages must have non-empty content")
        }
        for (place, block) in blocks.enumerated() {
          try readBlock(
            block, role: role, "messages.\(index).content.\(place)",
            extra: place == 0 ? TokenLaw.message : 0)
        }
      case nil: throw .invalid("messages.\(index).content: Field required")
      default: throw .invalid("messages.\(index).content: Input should be a valid string or list")
      }
    }
    let last = messages[messages.count - 1]["role"]?.stringValue
    guard messages[0]["role"]?.stringValue == "user" else {
      throw .invalid("messages: first message must use the \"user\" role")
    }
    guard !model.refusesPrefill || last == "user" else {
      throw .invalid(
        "This model does not support assistant message prefill. The conversation must end with a "
          + "user message.")
    }
  }

  private mutating func readBlock(
    _ block: JSONValue, role: String, _ place: String, extra: Int
  ) throws(ProviderError) {
    guard let type = block["type"]?.stringValue else {
      throw .invalid("\(place).type: Field required")
    }
    let life = try breakpoint(of: block, place)
    var tokens = extra
    switch type {
    case "text":
      guard let text = block["text"]?.stringValue else {
        throw .invalid("\(place).text.text: Field required")
      }
      guard !text.isEmpty else {
        throw .invalid("messages: text content blocks must be non-empty")
      }
      return append(.messages, role: role, text, life, extra: extra)
    case "image":
      try checkSource(block, place)
      request.hasImages = true
      tokens += TokenLaw.image
    case "document": tokens += try documentTokens(block, place)
    case "tool_use", "tool_result", "thinking", "redacted_thinking", "server_tool_use",
      "search_result":
      tokens += TokenLaw.call + TokenLaw.json(block)
    default:
      throw .invalid(
        "\(place): Input tag '\(type)' found using 'type' does not match any of the expected tags")
    }
    var hash = ContentHash()
    hash.text(role)
    hash.json(block, skipping: ["cache_control"])
    request.blocks.append(
      PromptBlock(
        level: .messages, hash: hash.value, tokens: tokens, breakpoint: life, text: ""))
  }

  private func checkSource(_ block: JSONValue, _ place: String) throws(ProviderError) {
    let source = block["source"]
    switch source?["type"]?.stringValue {
    case "base64":
      guard source?["data"]?.stringValue?.isEmpty == false,
        source?["media_type"]?.stringValue != nil
      else { throw .invalid("\(place).source.base64.data: Field required") }
    case "url", "file", "text", "content": break
    default: throw .invalid("\(place).source: Field required")
    }
  }

  private func documentTokens(
    _ block: JSONValue, _ place: String
  ) throws(ProviderError) -> Int {
    try checkSource(block, place)
    if block["citations"]?["enabled"] == .bool(true), request.schema != nil {
      throw .invalid("output_config.format: citations cannot be used with structured outputs")
    }
    let source = block["source"]
    let words = TokenLaw.text(
      (block["title"]?.stringValue ?? "")
        + (block["context"]?.stringValue ?? ""))
    guard source?["type"]?.stringValue == "base64", let data = source?["data"]?.stringValue else {
      let text = source?["data"]?.stringValue
      return words + (text.map(TokenLaw.text) ?? TokenLaw.page)
    }
    guard source?["media_type"]?.stringValue == "application/pdf" else {
      throw .invalid(
        "\(place).document.source.base64.media_type: Input should be 'application/pdf'")
    }
    let tokens = TokenLaw.pdf(base64ByteCount: data.utf8.count)
    guard tokens / TokenLaw.page <= (model.contextTokens < 1_000_000 ? 100 : 600) else {
      throw .invalid("\(place): A maximum of 100 PDF pages may be provided.")
    }
    return words + tokens
  }

  // MARK: - Breakpoints

  private mutating func breakpoint(
    of block: JSONValue, _ place: String
  ) throws(ProviderError) -> CacheLife? {
    guard let control = block["cache_control"], !control.isNull else { return nil }
    guard control["type"]?.stringValue == "ephemeral" else {
      throw .invalid("\(place).cache_control.type: Input should be 'ephemeral'")
    }
    let life: CacheLife
    switch control["ttl"]?.stringValue {
    case nil, "5m": life = .fiveMinutes
    case "1h": life = .oneHour
    default: throw .invalid("\(place).cache_control.ttl: Input should be '5m' or '1h'")
    }
    lives.append(life)
    return life
  }

  /// `cache_control` at the top level marks the last block.
  private mutating func placeAutomaticBreakpoint() throws(ProviderError) {
    guard let last = request.blocks.indices.last,
      let life = try breakpoint(of: .object(body), "cache_control")
    else { return }
    if request.blocks[last].breakpoint != nil { lives.removeLast() }
    request.blocks[last].breakpoint = request.blocks[last].breakpoint ?? life
  }

  private func checkBreakpoints() throws(ProviderError) {
    guard lives.count <= 4 else {
      throw .invalid(
        "A maximum of 4 blocks with cache_control may be provided. Found \(lives.count).")
    }
    let short = lives.firstIndex(of: .fiveMinutes) ?? lives.count
    guard !lives[short...].contains(.oneHour) else {
      throw .invalid(
        "cache_control: a ttl='1h' block must not come after a ttl='5m' block.")
    }
  }
}
