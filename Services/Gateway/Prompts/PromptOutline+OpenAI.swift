import Digest
import JSON
package import JSONText

extension PromptOutline {
  /// The prefixes of a caller's own request to OpenAI's Chat Completions. Nothing in it can be
  /// marked: the provider keeps what it sees.
  package init(chat body: JSONText, model: String) {
    let root = body.root
    self.init(base: Self.base(root, model, ["response_format", "reasoning_effort", "verbosity"]))
    for tool in root["tools"].map({ Array($0.elements) }) ?? [] { append(item: tool) }
    for message in root["messages"].map({ Array($0.elements) }) ?? [] { append(item: message) }
  }

  /// The same of OpenAI's Responses.
  package init(responses body: JSONText, model: String) {
    let root = body.root
    self.init(base: Self.base(root, model, ["text", "reasoning"]))
    for tool in root["tools"].map({ Array($0.elements) }) ?? [] { append(item: tool) }
    for text in Self.blocks(root["instructions"]) { append(item: text) }
    for item in Self.blocks(root["input"]) { append(item: item) }
  }

  private mutating func append(item: JSONText.Element) {
    append(tokens: Self.tokens(ofTextBytes: item.range.count), canBeMarked: false) { digest in
      Self.feed(item, &digest)
    }
  }
}

extension JSONEdits {
  /// Tells the provider which calls begin alike, unless the caller has said so.
  package mutating func setCacheKey(_ key: String) throws(JSONEditError) {
    guard text.root["prompt_cache_key"] == nil else { return }
    try insert(JSONFragment(.string(key)), for: "prompt_cache_key", in: text.root)
  }
}
