import GatewayValues
import JSONText

/// An answer of OpenAI's Responses.
enum ResponsesReply {
  static func read(_ response: JSONText.Element) -> ReplyFacts? {
    guard response["object"]?.utf8Equals("response") ?? false else { return nil }
    var facts = ReplyFacts()
    facts.model = response["model"]?.string ?? ""
    facts.id = response["id"]?.string ?? ""
    if let output = response["output"] {
      for item in output.elements { read(item: item, into: &facts) }
    }
    finish(response, &facts)
    facts.set(usage(response["usage"]))
    return facts
  }

  private static func read(item: JSONText.Element, into facts: inout ReplyFacts) {
    guard let type = item["type"] else { return }
    if type.utf8Equals("reasoning") { return }
    facts.hasContent = true
    facts.contentBytes += item.range.count
    if type.utf8Equals("function_call") || type.utf8Equals("custom_tool_call") {
      facts.finish = .toolCalls
    }
    let parts = item["content"]?.elements
    if parts?.contains(where: { $0["type"]?.utf8Equals("refusal") ?? false }) ?? false {
      facts.finish = .refusal
    }
  }

  private static func finish(_ response: JSONText.Element, _ facts: inout ReplyFacts) {
    guard let status = response["status"] else { return }
    if status.utf8Equals("completed") {
      facts.finish = facts.finish ?? .stop
    } else if status.utf8Equals("incomplete") {
      let reason = response["incomplete_details"]?["reason"]
      facts.finish = reason?.utf8Equals("content_filter") ?? false ? .refusal : .length
    } else {
      let word = status.string ?? ""
      facts.finish = .other(word.cut(toBytes: ProviderLimits.nameBytesMax))
    }
  }

  static func usage(_ element: JSONText.Element?) -> TokenUsage? {
    guard let fields = UsageFields(element), fields.has("input_tokens") else { return nil }
    let read = fields.count("input_tokens_details", "cached_tokens")
    let written = fields.count("input_tokens_details", "cache_write_tokens")
    let reasoning = fields.count("output_tokens_details", "reasoning_tokens")
    return TokenUsage(
      freshInput: fields.count("input_tokens") &- read &- written, cacheRead: read,
      cacheWriteShort: written, output: fields.count("output_tokens") &- reasoning,
      reasoning: reasoning)
  }
}
