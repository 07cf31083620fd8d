package import JSON

/// Reads OpenAI's Chat Completions and Responses requests, and refuses what those APIs refuse.
package struct OpenAIReader {
  let body: JSONObject
  let dialect: Dialect
  var request: PromptRequest

  /// The request, or the first thing that is wrong with it.
  package static func read(
    _ value: JSONValue, as dialect: Dialect
  ) throws(ProviderError) -> PromptRequest {
    guard case .object(let body) = value else {
      throw .invalid("", "The request body must be a JSON object.")
    }
    guard let given = body["model"], let name = given.stringValue, !name.isEmpty else {
      throw ProviderError(400, "invalid_request_error", "you must provide a model parameter")
    }
    guard let model = SimulatedModel.named(name), !model.isAnthropic else {
      throw ProviderError(
        404, "invalid_request_error",
        "The model `\(name)` does not exist or you do not have access to it.",
        code: "model_not_found")
    }
    var reader = OpenAIReader(
      body: body, dialect: dialect, request: PromptRequest(dialect: dialect, model: model))
    try reader.read()
    return reader.request
  }

  private mutating func read() throws(ProviderError) {
    try readLimits()
    try readTools()
    try readFormat()
    if dialect == .chat { try readMessages() } else { try readInput() }
    request.shape = shape(Self.answerKeys)
    request.prefixShape = shape(Self.prefixKeys)
    guard request.promptTokens <= request.model.contextTokens else {
      throw .invalid(
        dialect == .chat ? "messages" : "input",
        "This model's maximum context length is \(request.model.contextTokens) tokens. However, "
          + "your messages resulted in \(request.promptTokens) tokens.",
        code: "context_length_exceeded")
    }
  }

  private mutating func readLimits() throws(ProviderError) {
    if let stream = body["stream"], !stream.isNull {
      guard let flag = stream.boolValue else { throw wrongType("stream", "a boolean") }
      request.isStream = flag
    }
    request.includesUsage = body["stream_options"]?["include_usage"] == .bool(true)
    if let options = body["stream_options"], !options.isNull, !request.isStream {
      throw .invalid(
        "stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled."
      )
    }
    let keys =
      dialect == .chat ? ["max_completion_tokens", "max_tokens"] : ["max_output_tokens"]
    for key in keys {
      guard let value = body[key], !value.isNull else { continue }
      guard let count = value.intValue else { throw wrongType(key, "an integer") }
      guard count >= 1 else {
        throw .invalid(
          key,
          "Invalid '\(key)': integer below minimum value. Expected a value >= 1, but got "
            + "\(count) instead.", code: "integer_below_min_value")
      }
      guard count <= request.model.outputTokensMax else {
        throw .invalid(
          key,
          "\(key) is too large: \(count). This model supports at most "
            + "\(request.model.outputTokensMax) completion tokens.", code: "invalid_value")
      }
      request.maxTokens = request.maxTokens ?? count
    }
    if let n = body["n"]?.intValue, n != 1 {
      throw .invalid("n", "Only one choice is supported.", code: "unsupported_value")
    }
    switch body["stop"] {
    case .string(let text)?: request.stopSequences = [text]
    case .array(let texts)?: request.stopSequences = texts.compactMap(\.stringValue)
    default: break
    }
  }

  private func wrongType(_ param: String, _ wanted: String) -> ProviderError {
    .invalid(
      param, "Invalid type for '\(param)': expected \(wanted).", code: "invalid_type")
  }

  // MARK: - Tools and format

  private mutating func readTools() throws(ProviderError) {
    for (index, tool) in (body["tools"]?.arrayValue ?? []).enumerated() {
      let place = "tools[\(index)]"
      guard let type = tool["type"]?.stringValue else { throw missing("\(place).type") }
      let isFunction = type == "function"
      let function = dialect == .chat ? tool["function"] : tool
      if isFunction {
        let part = dialect == .chat ? "\(place).function.name" : "\(place).name"
        guard let name = function?["name"]?.stringValue, !name.isEmpty else { throw missing(part) }
        let schema = function?["parameters"] ?? .object(["type": "object"])
        if function?["strict"] == .bool(true),
          let problem = SchemaCheck.openAI(schema, named: name)
        {
          throw .invalid(
            "\(place).parameters", problem, code: "invalid_function_parameters")
        }
        request.tools.append(ToolDefinition(name: name, schema: schema))
      }
      request.blocks.append(
        PromptBlock(
          level: .tools, hash: ContentHash.of(tool),
          tokens: TokenLaw.tool + TokenLaw.json(tool), breakpoint: nil, text: ""))
    }
    try readDemand()
  }

  private mutating func readDemand() throws(ProviderError) {
    switch body["tool_choice"] {
    case nil, .null?: return
    case "auto"?: request.demand = .free
    case "none"?: request.demand = .none
    case "required"?: request.demand = .forced(nil)
    case .object(let choice)?:
      let name = choice["function"]?["name"]?.stringValue ?? choice["name"]?.stringValue
      guard let name, request.tools.contains(where: { $0.name == name }) else {
        throw .invalid(
          "tool_choice", "Tool choice '\(name ?? "")' not found in 'tools' parameter.")
      }
      request.demand = .forced(name)
    default:
      throw .invalid("tool_choice", "Invalid value for 'tool_choice'.", code: "invalid_value")
    }
    guard !request.tools.isEmpty || request.demand == .none || request.demand == .free else {
      throw .invalid(
        "tool_choice", "'tool_choice' is only allowed when 'tools' are specified.")
    }
  }

  private mutating func readFormat() throws(ProviderError) {
    let param = dialect == .chat ? "response_format" : "text.format"
    let given = dialect == .chat ? body["response_format"] : body["text"]?["format"]
    guard let format = given, !format.isNull else { return }
    switch format["type"]?.stringValue {
    case "text": return
    case "json_object":
      request.schema = .object([
        "type": "object", "properties": ["answer": ["type": "string"]], "required": ["answer"],
      ])
    case "json_schema":
      let holder = dialect == .chat ? format["json_schema"] : format
      guard let name = holder?["name"]?.stringValue else {
        throw missing(dialect == .chat ? "response_format.json_schema.name" : "text.format.name")
      }
      guard name.utf8.count <= 64 else {
        throw .invalid(
          "\(param).name", "string too long: at most 64", code: "string_above_max_length")
      }
      guard let schema = holder?["schema"] else { throw missing("\(param).schema") }
      if holder?["strict"] == .bool(true), let problem = SchemaCheck.openAI(schema, named: name) {
        throw .invalid(param, problem)
      }
      request.schema = schema
    default:
      throw .invalid(
        "\(param).type",
        "Invalid value. Supported values are: 'json_object', 'json_schema', and "
          + "'text'.", code: "invalid_value")
    }
  }

  /// What is a part of a cached prefix beside the blocks.
  private static let prefixKeys = [
    "response_format", "text", "reasoning", "reasoning_effort", "verbosity",
  ]
  private static let answerKeys =
    prefixKeys + [
      "tool_choice", "stop", "max_tokens", "max_completion_tokens", "max_output_tokens",
      "temperature", "top_p", "seed",
    ]

  private func shape(_ keys: [String]) -> UInt64 {
    var hash = ContentHash()
    for key in keys {
      if let value = body[key], !value.isNull { hash.json(value) }
      hash.mix(10)
    }
    return hash.value
  }

  private func missing(_ param: String) -> ProviderError {
    .invalid(
      param, "Missing required parameter: '\(param)'.", code: "missing_required_parameter")
  }

  // MARK: - Messages and input

  private mutating func readMessages() throws(ProviderError) {
    guard let given = body["messages"] else { throw missing("messages") }
    guard let messages = given.arrayValue else { throw wrongType("messages", "an array") }
    guard !messages.isEmpty else {
      throw .invalid(
        "messages", "Invalid 'messages': empty array. Expected an array with minimum length 1.",
        code: "empty_array")
    }
    for (index, message) in messages.enumerated() { try readMessage(message, "messages[\(index)]") }
  }

  private static let roles: Set<String> = [
    "system", "developer", "user", "assistant", "tool", "function",
  ]

  private mutating func readMessage(
    _ message: JSONValue, _ place: String
  ) throws(ProviderError) {
    guard let role = message["role"]?.stringValue else { throw missing("\(place).role") }
    guard Self.roles.contains(role) else {
      throw .invalid(
        "\(place).role",
        "Invalid value: '\(role)'. Supported values are: 'system', 'assistant', "
          + "'user', 'function', 'tool', and 'developer'.", code: "invalid_value")
    }
    let level: PromptBlock.Level =
      role == "system" || role == "developer" ? .system : .messages
    switch message["content"] {
    case .string(let text)?: append(level, role, text, extra: TokenLaw.message)
    case .array(let parts)?:
      for (index, part) in parts.enumerated() {
        try readPart(
          part, level, role, "\(place).content[\(index)]", extra: index == 0 ? TokenLaw.message : 0)
      }
    case nil, .null?:
      guard role == "assistant", message["tool_calls"] != nil else {
        throw missing("\(place).content")
      }
      append(level, role, "", extra: TokenLaw.message)
    default: throw wrongType("\(place).content", "a string or an array")
    }
    for call in message["tool_calls"]?.arrayValue ?? [] { append(call, level, role, TokenLaw.call) }
  }

  private mutating func readInput() throws(ProviderError) {
    if let text = body["instructions"]?.stringValue {
      append(.system, "developer", text, extra: TokenLaw.message)
    }
    switch body["input"] {
    case nil: throw missing("input")
    case .string(let text)?: append(.messages, "user", text, extra: TokenLaw.message)
    case .array(let items)?:
      guard !items.isEmpty else {
        throw .invalid("input", "Invalid 'input': empty array.", code: "empty_array")
      }
      for (index, item) in items.enumerated() {
        if let type = item["type"]?.stringValue, type != "message" {
          append(item, .messages, type, TokenLaw.call)
        } else {
          try readMessage(item, "input[\(index)]")
        }
      }
    default: throw wrongType("input", "a string or an array")
    }
  }

  private mutating func readPart(
    _ part: JSONValue, _ level: PromptBlock.Level, _ role: String, _ place: String, extra: Int
  ) throws(ProviderError) {
    switch part["type"]?.stringValue {
    case "text", "input_text", "output_text", "refusal":
      let text = part["text"]?.stringValue ?? part["refusal"]?.stringValue
      guard let text else { throw missing("\(place).text") }
      append(level, role, text, extra: extra)
    case "image_url", "input_image":
      request.hasImages = true
      append(part, level, role, extra, tokens: TokenLaw.image)
    case "file", "input_file":
      let data = part["file_data"]?.stringValue ?? part["file"]?["file_data"]?.stringValue
      let tokens = data.map { TokenLaw.pdf(base64ByteCount: $0.utf8.count) } ?? TokenLaw.page
      append(part, level, role, extra, tokens: tokens)
    case nil: throw missing("\(place).type")
    case let type?:
      throw .invalid(
        "\(place).type", "Invalid value: '\(type)'.", code: "invalid_value")
    }
  }

  private mutating func append(
    _ level: PromptBlock.Level, _ role: String, _ text: String, extra: Int
  ) {
    var hash = ContentHash()
    hash.text(role)
    hash.text(text)
    request.blocks.append(
      PromptBlock(
        level: level, hash: hash.value, tokens: TokenLaw.text(text) + extra, breakpoint: nil,
        text: text))
  }

  private mutating func append(
    _ value: JSONValue, _ level: PromptBlock.Level, _ role: String, _ extra: Int,
    tokens: Int? = nil
  ) {
    var hash = ContentHash()
    hash.text(role)
    hash.json(value)
    request.blocks.append(
      PromptBlock(
        level: level, hash: hash.value, tokens: extra + (tokens ?? TokenLaw.json(value)),
        breakpoint: nil, text: ""))
  }
}
