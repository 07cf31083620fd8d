import GatewayFixtures
import JSON

/// One call as each of the three kinds of clients writes it.
enum DialectCall: String, CaseIterable, Sendable {
  case messages
  case chat
  case responses

  var path: String {
    switch self {
    case .messages: "/v1/messages"
    case .chat: "/v1/chat/completions"
    case .responses: "/v1/responses"
    }
  }

  var model: String { self == .messages ? "claude-haiku-4-5" : "gpt-5.6-luna" }

  /// `most` is nil for a call that leaves its length to the model.
  func body(
    _ text: String, most: Int? = 32, isStream: Bool = false, _ further: JSONObject = [:]
  ) -> JSONValue {
    var object: JSONObject = ["model": .string(model)]
    let messages: JSONValue = [["role": "user", "content": .string(text)]]
    switch self {
    case .messages:
      object["max_tokens"] = most.map { .number($0) }
      object["messages"] = messages
    case .chat:
      object["max_completion_tokens"] = most.map { .number($0) }
      object["messages"] = messages
    case .responses:
      object["max_output_tokens"] = most.map { .number($0) }
      object["input"] = .string(text)
    }
    if isStream { object["stream"] = true }
    for (key, value) in further { object[key] = value }
    return .object(object)
  }

  /// The reason that an error's body tells, in this dialect's place for it.
  func error(_ body: JSONValue) -> (type: String?, message: String?) {
    let error = body["error"]
    guard self != .messages || body["type"] == "error" else { return (nil, nil) }
    return (error?["type"]?.stringValue, error?["message"]?.stringValue)
  }
}

extension GatewayFixture {
  func ask(
    _ dialect: DialectCall, _ text: String, most: Int? = 32, isStream: Bool = false,
    headers: [(String, String)] = []
  ) async throws -> Reply {
    try await ask(
      dialect.path, dialect.body(text, most: most, isStream: isStream), headers: headers)
  }
}
