import JSON
import SimulatorModel

/// Who answers which path.
extension Simulation {
  private static let pieceBytes = 256 << 10

  func route(_ request: HTTPRequest, _ connection: HTTPConnection) {
    switch (request.method, request.path) {
    case ("POST", "/v1/messages"):
      ProviderCall(self, request, connection, .messages).run()
    case ("POST", "/v1/chat/completions"):
      ProviderCall(self, request, connection, .chat).run()
    case ("POST", "/v1/responses"):
      ProviderCall(self, request, connection, .responses).run()
    case ("GET", "/healthz"): send(HTTPAnswer.json(.object(["status": "ok"])), request, connection)
    default:
      let isControl =
        request.path == "/bill" || request.path.hasPrefix("/control/")
      guard !isControl else { return control(request, connection) }
      plain(request, connection)
    }
  }

  func send(_ answer: HTTPAnswer, _ request: HTTPRequest, _ connection: HTTPConnection) {
    connection.write(
      answer.head(.length(answer.body.count), isKeptAlive: request.isKeptAlive))
    // A bill may be larger than what a connection holds for a slow reader.
    var rest = answer.body[...]
    connection.write(
      from: {
        guard !rest.isEmpty else { return nil }
        let piece = Array(rest.prefix(Self.pieceBytes))
        rest = rest.dropFirst(piece.count)
        return piece
      }, then: { connection.finish(isKeptAlive: request.isKeptAlive) })
  }

  /// What a provider answers at once and does not bill: models, token counts, files, batches.
  private func plain(_ request: HTTPRequest, _ connection: HTTPConnection) {
    let isAnthropic =
      request.header("anthropic-version") != nil || request.path.hasPrefix("/v1/messages")
    let dialect = isAnthropic ? Dialect.messages : .chat
    let names = names(for: dialect)
    let answer: HTTPAnswer
    do throws(ProviderError) {
      let key = try authenticate(request, dialect)
      answer = try plainAnswer(request, dialect, key)
    } catch {
      answer = .refusal(error, dialect, names)
    }
    var named = answer
    named.headers += HTTPAnswer.nameHeaders(dialect, names)
    send(named, request, connection)
  }

  private func plainAnswer(
    _ request: HTTPRequest, _ dialect: Dialect, _ key: String
  ) throws(ProviderError) -> HTTPAnswer {
    switch (request.method, request.path) {
    case ("POST", "/v1/messages/count_tokens"):
      try Self.check(bodyOf: request)
      let prompt = try MessagesReader.read(try Self.json(request, dialect), for: .count)
      return .json(.object(["input_tokens": .number(prompt.promptTokens)]))
    case ("GET", "/v1/models"): return .json(ModelList.all(dialect))
    case ("GET", let path) where path.hasPrefix("/v1/models/"):
      return .json(try ModelList.one(String(path.dropFirst(11)), dialect))
    default:
      let found = try batchAnswer(request, dialect, key)
      if let found { return found }
      throw ProviderError(
        404, dialect.isAnthropic ? "not_found_error" : "invalid_request_error",
        "There is nothing at \(request.method) \(request.path).")
    }
  }

  // MARK: - What every call goes through

  /// The caller's key; throws what that dialect says to a wrong one.
  func authenticate(
    _ request: HTTPRequest, _ dialect: Dialect
  ) throws(ProviderError) -> String {
    var key = request.header("x-api-key")
    if key == nil, let bearer = request.header("authorization"), bearer.hasPrefix("Bearer ") {
      key = String(bearer.dropFirst(7))
    }
    if let key, options.accepts(key) { return key }
    if dialect.isAnthropic {
      throw ProviderError(
        401, "authentication_error",
        key == nil ? "x-api-key header is required" : "invalid x-api-key")
    }
    throw ProviderError(
      401, "invalid_request_error",
      key == nil ? "You didn't provide an API key." : "Incorrect API key provided.",
      code: key == nil ? nil : "invalid_api_key")
  }

  static func check(bodyOf request: HTTPRequest) throws(ProviderError) {
    guard request.header("anthropic-version") != nil else {
      throw ProviderError(
        400, "invalid_request_error", "anthropic-version: header is required")
    }
    guard request.body.count <= ModelLimits.messagesBodyBytesMax else {
      throw ProviderError(
        413, "request_too_large", "Request exceeds the maximum allowed number of bytes.")
    }
  }

  static func json(
    _ request: HTTPRequest, _ dialect: Dialect
  ) throws(ProviderError) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue(parsing: request.body)
    } catch {
      throw ProviderError(
        400, "invalid_request_error",
        dialect.isAnthropic
          ? "The request body is not valid JSON: \(error)"
          : "We could not parse the JSON body of your request: \(error)")
    }
  }
}

extension HTTPAnswer {
  static func json(_ value: JSONValue, status: Int = 200) -> HTTPAnswer {
    var answer = HTTPAnswer(status: status)
    answer.body = value.bytes()
    return answer
  }

  static func lines(_ bytes: [UInt8]) -> HTTPAnswer {
    var answer = HTTPAnswer()
    answer.contentType = "application/x-jsonl"
    answer.body = bytes
    return answer
  }

  static func refusal(
    _ error: ProviderError, _ dialect: Dialect, _ names: CallNames
  ) -> HTTPAnswer {
    var answer = HTTPAnswer(status: error.status)
    answer.body = error.body(dialect, requestID: names.request)
    return answer
  }

  /// What a provider's answers are told apart by.
  static func nameHeaders(
    _ dialect: Dialect, _ names: CallNames
  ) -> [(name: String, value: String)] {
    dialect.isAnthropic
      ? [
        ("request-id", names.request),
        ("anthropic-organization-id", "00000000-0000-4000-8000-000000000001"),
        ("anthropic-workspace-id", "wrkspc_sim"),
      ]
      : [
        ("x-request-id", names.request), ("openai-organization", "sim"),
        ("openai-version", "2020-10-01"),
      ]
  }
}

/// The models as each provider lists them.
enum ModelList {
  static func all(_ dialect: Dialect) -> JSONValue {
    let models = SimulatedModel.all.filter { $0.isAnthropic == dialect.isAnthropic }
    let data = JSONValue.array(models.map(entry))
    guard dialect.isAnthropic else { return .object(["object": "list", "data": data]) }
    return .object([
      "data": data, "has_more": false,
      "first_id": models.first.map { .string($0.id) } ?? .null,
      "last_id": models.last.map { .string($0.id) } ?? .null,
    ])
  }

  static func one(_ name: String, _ dialect: Dialect) throws(ProviderError) -> JSONValue {
    guard let model = SimulatedModel.named(name), model.isAnthropic == dialect.isAnthropic else {
      throw dialect.isAnthropic
        ? ProviderError(404, "not_found_error", "model: \(name)")
        : ProviderError(
          404, "invalid_request_error", "The model '\(name)' does not exist", param: "model",
          code: "model_not_found")
    }
    return entry(model)
  }

  private static func entry(_ model: SimulatedModel) -> JSONValue {
    model.isAnthropic
      ? .object([
        "type": "model", "id": .string(model.id), "display_name": .string(model.id),
        "created_at": "2026-01-01T00:00:00Z", "max_input_tokens": .number(model.contextTokens),
        "max_tokens": .number(model.outputTokensMax),
      ])
      : .object([
        "id": .string(model.id), "object": "model", "created": 1_767_225_600,
        "owned_by": "openai",
      ])
  }
}
