import JSON

@testable import SimulatorModel

/// A Messages request with a system text of about so many tokens.
func messages(
  system: Int = 0, text: String = "hello", model: String = "claude-opus-5",
  mark: JSONValue? = nil, more: JSONObject = JSONObject()
) throws -> PromptRequest {
  var body: JSONObject = [
    "model": .string(model), "max_tokens": 1000,
    "messages": [["role": "user", "content": .string(text)]],
  ]
  if system > 0 {
    var block: JSONObject = [
      "type": "text", "text": .string(String(repeating: "word", count: system)),
    ]
    block["cache_control"] = mark
    body["system"] = [.object(block)]
  }
  for (key, value) in more { body[key] = value }
  return try MessagesReader.read(.object(body), for: .answer)
}

func chat(_ text: String, model: String = "gpt-5.6-luna") throws -> PromptRequest {
  try OpenAIReader.read(
    .object([
      "model": .string(model), "messages": [["role": "user", "content": .string(text)]],
    ]), as: .chat)
}
