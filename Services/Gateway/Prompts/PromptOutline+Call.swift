import Digest
package import GatewayProviders
import JSON

extension PromptOutline {
  /// The prefixes of a call in our own words, in the order in which writers put it down. `media`:
  /// the hashes of their bytes, so that one document is one prefix wherever its bytes lie.
  package init(_ call: ModelCall, media: [[UInt8]], model: String) {
    var base = SHA256()
    base.update(field: model)
    Self.feed(call.output, &base)
    base.update(field: JSONValue.object(call.extra).bytes())
    self.init(base: base.finish())
    for tool in call.tools {
      let schema = tool.schema.bytes()
      let bytes = schema.count + tool.name.utf8.count + tool.description.utf8.count
      append(tokens: Self.tokens(ofTextBytes: bytes), canBeMarked: false) { digest in
        digest.update(field: tool.name)
        digest.update(field: tool.description)
        digest.update(field: schema)
      }
    }
    let blocks = call.blocks.enumerated()
    for (place, block) in blocks where block.role == .system {
      append(block, at: place, media)
    }
    if let choice = call.toolChoice { mix { $0.update(field: "\(choice)") } }
    for (place, block) in blocks where block.role != .system {
      append(block, at: place, media)
    }
  }

  private static func feed(_ output: ModelCall.Output, _ digest: inout SHA256) {
    switch output {
    case .text: digest.update(field: "text")
    case .object: digest.update(field: "object")
    case .schema(let name, let schema):
      digest.update(field: name)
      digest.update(field: schema.bytes())
    }
  }

  private mutating func append(_ block: ModelCall.Block, at place: Int, _ media: [[UInt8]]) {
    var tokens: Int64 = 0
    var parts: [[UInt8]] = [Array("\(block.role)".utf8)]
    var canBeMarked = true
    switch block.content {
    case .text(let text):
      parts.append(Array(text.utf8))
      canBeMarked = !text.isEmpty
    case .toolAnswer(let id, let text):
      parts += [Array(id.utf8), Array(text.utf8)]
    case .toolCall(let call):
      parts += [Array(call.id.utf8), Array(call.name.utf8), call.arguments.bytes()]
    case .media(let item):
      tokens = item.isPicture ? Self.pictureTokens : Self.tokens(of: item)
      parts += [Array(item.type.utf8), Array(item.title.utf8)]
    }
    tokens += Self.tokens(ofTextBytes: parts.reduce(0) { $0 + $1.count })
    if case .media(let item) = block.content, media.indices.contains(item.place) {
      parts.append(media[item.place])
    }
    append(
      tokens: tokens, mark: block.isCacheBreakpoint ? .short : nil, canBeMarked: canBeMarked
    ) { digest in
      for part in parts { digest.update(field: part) }
    }
  }
}

extension ModelCall {
  /// Tells the provider which calls begin alike, unless the caller has said so.
  package mutating func setCacheKey(_ key: String) {
    if extra["prompt_cache_key"] == nil { extra["prompt_cache_key"] = .string(key) }
  }

  /// Marks the blocks of a plan and no others.
  package mutating func mark(_ marks: [Int: PrefixLife]) {
    // As an outline counts: tools, system, messages.
    let order =
      blocks.indices.filter { blocks[$0].role == .system }
      + blocks.indices.filter { blocks[$0].role != .system }
    for (offset, place) in order.enumerated() {
      let life = marks[tools.count + offset]
      blocks[place].isCacheBreakpoint = life != nil
      blocks[place].isKeptLong = life == .long
    }
  }
}
