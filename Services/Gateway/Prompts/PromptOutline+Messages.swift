import Digest
import JSON
package import JSONText

extension PromptOutline {
  /// The prefixes of a caller's own request to Anthropic's Messages.
  package init(messages body: JSONText, model: String) {
    let root = body.root
    self.init(base: Self.base(root, model, ["output_config", "output_format"]))
    for tool in root["tools"].map({ Array($0.elements) }) ?? [] {
      append(block: tool, role: "tool")
    }
    for block in Self.blocks(root["system"]) { append(block: block, role: "system") }
    mix { digest in
      for name in ["tool_choice", "thinking"] {
        digest.update(field: name)
        if let value = root[name] { Self.feed(value, &digest) }
      }
    }
    for message in root["messages"].map({ Array($0.elements) }) ?? [] {
      let role = message["role"]?.string ?? ""
      for block in Self.blocks(message["content"]) { append(block: block, role: role) }
    }
    if let life = Self.mark(root) { markLast(life) }
    hasFixedMarks = isMarked
  }

  /// Blocks, or the one that a plain text is.
  static func blocks(_ content: JSONText.Element?) -> [JSONText.Element] {
    guard let content, !content.isNull else { return [] }
    return content.kind == .array ? Array(content.elements) : [content]
  }

  static func base(
    _ root: JSONText.Element, _ model: String, _ names: [String]
  ) -> [UInt8] {
    var base = SHA256()
    base.update(field: model)
    for name in names {
      base.update(field: name)
      if let value = root[name] { feed(value, &base) }
    }
    return base.finish()
  }

  static func feed(_ element: JSONText.Element, _ digest: inout SHA256) {
    // A text as a block and the same as a plain string are one prompt to a provider.
    if element.kind == .object, element["type"]?.utf8Equals("text") ?? false,
      element.members.allSatisfy({ ["type", "text", "cache_control"].contains($0.key.string) }),
      let text = element["text"], text.kind == .string
    {
      return feed(text, &digest)
    }
    var inner = SHA256()
    element.feedCanonical(excluding: [["cache_control"]]) { inner.update($0) }
    digest.update(inner.finish())
  }

  private static let markable: Set<String> = [
    "text", "image", "document", "tool_use", "tool_result",
  ]

  private mutating func append(block: JSONText.Element, role: String) {
    let type = block["type"]?.string
    let isText = block.kind == .string || type == "text"
    let text = block.kind == .string ? block : block["text"]
    let isEmpty = isText && (text?.range.count ?? 0) <= 2
    let canBeMarked = role == "tool" || block.kind == .string || Self.markable.contains(type ?? "")
    append(
      tokens: Self.tokens(of: block, type), mark: Self.mark(block),
      canBeMarked: canBeMarked && !isEmpty
    ) { digest in
      digest.update(field: role)
      Self.feed(block, &digest)
    }
  }

  private static func mark(_ block: JSONText.Element) -> PrefixLife? {
    guard let mark = block["cache_control"], !mark.isNull else { return nil }
    return mark["ttl"]?.utf8Equals("1h") ?? false ? .long : .short
  }

  static func tokens(of block: JSONText.Element, _ type: String?) -> Int64 {
    let data = block["source"]?["data"]
    let isMedia = block["source"]?["type"]?.utf8Equals("base64") ?? false
    switch type {
    case "image": return pictureTokens
    case "document" where isMedia:
      return tokens(ofDocumentBytes: (data?.range.count ?? 0) / 4 * 3)
    case "text": return tokens(ofTextBytes: block["text"]?.range.count ?? 0)
    default: return tokens(ofTextBytes: block.range.count)
    }
  }
}

extension JSONEdits {
  /// Puts the marks of a plan into a caller's request; what is marked keeps its bytes.
  package mutating func mark(_ marks: [Int: PrefixLife]) throws(JSONEditError) {
    guard !marks.isEmpty else { return }
    let root = text.root
    var place = 0
    for tool in root["tools"].map({ Array($0.elements) }) ?? [] {
      try mark(tool, marks[place])
      place += 1
    }
    for block in PromptOutline.blocks(root["system"]) {
      try mark(block, marks[place])
      place += 1
    }
    for message in root["messages"].map({ Array($0.elements) }) ?? [] {
      for block in PromptOutline.blocks(message["content"]) {
        try mark(block, marks[place])
        place += 1
      }
    }
  }

  private mutating func mark(
    _ block: JSONText.Element, _ life: PrefixLife?
  ) throws(JSONEditError) {
    guard let life else { return }
    let mark = JSONFragment(PromptMark.value(life))
    if block.kind == .object {
      // A null in its place says the same as nothing.
      if let old = block["cache_control"] { return try replace(old, with: mark) }
      return try insert(mark, for: "cache_control", in: block)
    }
    try replace(block, with: PromptMark.block(block, mark))
  }
}

/// How Anthropic is told to keep what comes up to a block.
package enum PromptMark {
  static func value(_ life: PrefixLife) -> JSONValue {
    life == .short ? ["type": "ephemeral"] : ["type": "ephemeral", "ttl": "1h"]
  }

  /// The list of one block that a plain text is short for, the text's bytes as they were.
  static func block(_ text: JSONText.Element, _ mark: JSONFragment) -> JSONFragment {
    var bytes = Array(#"[{"type":"text","text":"#.utf8)
    bytes += text.bytes
    bytes += Array(#","cache_control":"#.utf8)
    bytes += mark.bytes
    bytes += Array("}]".utf8)
    // A checked value between literals is one value.
    return (try? JSONFragment(checking: bytes)) ?? JSONFragment(text)
  }
}
