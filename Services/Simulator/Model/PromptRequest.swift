import JSON

/// How long a cache entry lives.
package enum CacheLife: Sendable, Equatable {
  case fiveMinutes, oneHour

  var nanoseconds: UInt64 { self == .oneHour ? 3_600_000_000_000 : 300_000_000_000 }
}

/// One piece of a prompt, in the order the model reads: tools, system, messages.
struct PromptBlock: Sendable {
  enum Level: Sendable { case tools, system, messages }

  let level: Level
  /// Of its content, its role and its place in a message; not of its breakpoint.
  let hash: UInt64
  let tokens: Int
  var breakpoint: CacheLife?
  /// The text, for item ids and for caches that work below blocks; empty for media.
  let text: String
}

/// A tool that the model may call.
struct ToolDefinition: Sendable {
  let name: String
  let schema: JSONValue
}

/// What a caller asks of the model's freedom to call tools.
enum ToolDemand: Sendable, Equatable {
  case free
  case none
  /// Some tool, or the one of that name.
  case forced(String?)
}

/// A request that was read and found good, in whatever dialect it came.
package struct PromptRequest: Sendable {
  package let dialect: Dialect
  package let model: SimulatedModel
  var blocks: [PromptBlock] = []
  var tools: [ToolDefinition] = []
  var demand = ToolDemand.free
  var schema: JSONValue?
  package var maxTokens: Int?
  package var isStream = false
  /// Chat: a last chunk with usage was asked for.
  var includesUsage = false
  var stopSequences: [String] = []
  var hasImages = false
  /// What changes the answer beside the blocks: tool choice, format, effort.
  var shape: UInt64 = 0
  /// What breaks a cached prefix from its start, and what breaks it from the messages on.
  var prefixShape: UInt64 = 0
  var messagesShape: UInt64 = 0

  init(dialect: Dialect, model: SimulatedModel) {
    self.dialect = dialect
    self.model = model
  }

  /// Tokens of the whole prompt; the same for count_tokens and for a call.
  package var promptTokens: Int {
    blocks.reduce(TokenLaw.request + hiddenTokens) { $0 + $1.tokens }
  }

  /// What having tools costs beside the tools.
  var hiddenTokens: Int {
    guard !tools.isEmpty, demand != .none else { return 0 }
    if case .forced = demand { return model.toolTokens.forced }
    return model.toolTokens.offered
  }

  /// The seed of the answer: everything that would change it, and nothing else.
  func answerSeed(_ seed: UInt64) -> UInt64 {
    var hash = ContentHash(seed: seed)
    hash.text(model.id)
    hash.mix(shape)
    for block in blocks { hash.mix(block.hash) }
    return hash.value
  }

  /// Texts of the conversation, in which items may be named.
  var conversation: [String] {
    blocks.filter { $0.level == .messages }.map(\.text)
  }
}
