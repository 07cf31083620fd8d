import GatewayValues
import JSONText

/// An answer of Anthropic's Messages.
enum AnthropicReply {
  static func read(_ message: JSONText.Element) -> ReplyFacts? {
    guard message["type"]?.utf8Equals("message") ?? false else { return nil }
    var facts = ReplyFacts()
    facts.model = message["model"]?.string ?? ""
    facts.id = message["id"]?.string ?? ""
    facts.finish = finish(message["stop_reason"])
    facts.set(usage(message["usage"]))
    for block in message["content"]?.elements ?? message.elements {
      facts.hasContent = true
      facts.contentBytes += block.range.count
    }
    return facts
  }

  static func finish(_ reason: JSONText.Element?) -> Finish? {
    guard let word = reason?.string else { return nil }
    return switch word {
    case "end_turn", "stop_sequence": .stop
    case "max_tokens", "model_context_window_exceeded": .length
    case "tool_use": .toolCalls
    case "refusal": .refusal
    case "pause_turn": .pause
    default: .other(word.cut(toBytes: ProviderLimits.nameBytesMax))
    }
  }

  /// Its input excludes what was cached; `cache_creation` is a breakdown, never added to the sum.
  static func usage(_ element: JSONText.Element?) -> TokenUsage? {
    guard let fields = UsageFields(element),
      fields.has("output_tokens") || fields.has("input_tokens")
    else { return nil }
    let written = fields.count("cache_creation_input_tokens")
    let long = fields.count("cache_creation", "ephemeral_1h_input_tokens")
    return TokenUsage(
      freshInput: fields.count("input_tokens"), cacheRead: fields.count("cache_read_input_tokens"),
      cacheWriteShort: written &- long, cacheWriteLong: long,
      output: fields.count("output_tokens"),
      webSearches: fields.count("server_tool_use", "web_search_requests"))
  }
}
