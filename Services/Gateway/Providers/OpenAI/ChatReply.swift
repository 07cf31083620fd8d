import GatewayValues
import JSONText

/// An answer of OpenAI's Chat Completions, or a chunk of its stream.
enum ChatReply {
  static func read(_ reply: JSONText.Element) -> ReplyFacts? {
    guard let choices = reply["choices"], choices.kind == .array else { return nil }
    var facts = ReplyFacts()
    facts.model = reply["model"]?.string ?? ""
    facts.id = reply["id"]?.string ?? ""
    for choice in choices.elements {
      read(choice: choice, body: choice["message"] ?? choice["delta"], into: &facts)
    }
    facts.set(usage(reply["usage"]))
    return facts
  }

  private static func read(
    choice: JSONText.Element, body: JSONText.Element?, into facts: inout ReplyFacts
  ) {
    if let word = choice["finish_reason"]?.string {
      let finish = finish(word)
      // Of several answers, the one that is not whole speaks for all.
      if facts.finish?.isWhole ?? true { facts.finish = finish }
    }
    guard let body else { return }
    if let refusal = body["refusal"], refusal.range.count > 2, !refusal.isNull {
      facts.finish = .refusal
      facts.hasContent = true
    }
    for name in ["content", "tool_calls", "reasoning_content", "function_call"] {
      guard let part = body[name], !part.isNull, part.range.count > 2 else { continue }
      facts.hasContent = true
      facts.contentBytes += part.range.count
    }
  }

  static func finish(_ word: String) -> Finish {
    switch word {
    case "stop": .stop
    case "length": .length
    case "tool_calls", "function_call": .toolCalls
    case "content_filter": .refusal
    default: .other(word.cut(toBytes: ProviderLimits.nameBytesMax))
    }
  }

  /// Its prompt includes what was cached, its completion what was reasoned: taken apart here.
  static func usage(_ element: JSONText.Element?) -> TokenUsage? {
    guard let fields = UsageFields(element), fields.has("prompt_tokens") else { return nil }
    let read = fields.count("prompt_tokens_details", "cached_tokens")
    let written = fields.count("prompt_tokens_details", "cache_write_tokens")
    let reasoning = fields.count("completion_tokens_details", "reasoning_tokens")
    return TokenUsage(
      freshInput: fields.count("prompt_tokens") &- read &- written, cacheRead: read,
      cacheWriteShort: written, output: fields.count("completion_tokens") &- reasoning,
      reasoning: reasoning)
  }
}
