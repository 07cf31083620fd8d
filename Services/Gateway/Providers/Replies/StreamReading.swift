import GatewayValues
import JSON
import JSONText

/// What the events of a stream add up to, one after another.
///
/// It reads every event's JSON, keeps only sums, and says of each whether it goes on to the
/// caller. An error within the stream is a failure of the attempt, whatever came before.
package struct StreamReading: Sendable {
  package let dialect: Dialect
  /// Whether the caller asked for the chunk that tells the usage; else it is held back.
  package let passesUsageChunk: Bool
  package private(set) var facts = ReplyFacts()
  /// The event came with which this dialect says that nothing follows.
  package private(set) var hasEnded = false
  package private(set) var failure: ProviderFailure?
  private var usage: TokenUsage?

  package init(_ dialect: Dialect, passesUsageChunk: Bool = true) {
    self.dialect = dialect
    self.passesUsageChunk = passesUsageChunk
  }

  /// What to do with an event.
  package enum Passing: Equatable, Sendable {
    case pass
    case hold
    /// Not JSON of this dialect.
    case garbage
    /// The stream told of an error; see `failure`.
    case failed
  }

  /// Takes an event's name, empty where it has none, and its data.
  package mutating func take(name: String, data: [UInt8]) -> Passing {
    if data.elementsEqual("[DONE]".utf8) {
      hasEnded = hasEnded || dialect == .openAIChat
      return .pass
    }
    guard let event = try? JSONText(checking: data) else { return .garbage }
    let root = event.root
    guard root.kind == .object else { return .garbage }
    return switch dialect {
    case .anthropicMessages: takeAnthropic(root)
    case .openAIChat: takeChat(root)
    case .openAIResponses: takeResponses(root)
    }
  }

  /// Whether bytes of an answer came; from then on, no other attempt may take its place.
  package var hasAnswered: Bool { facts.contentBytes > 0 }

  private mutating func fail(_ root: JSONText.Element) -> Passing {
    failure = ProviderFailure(event: root.value, family: dialect.family)
    return .failed
  }

  private mutating func takeAnthropic(_ root: JSONText.Element) -> Passing {
    guard let type = root["type"] else { return .garbage }
    if type.utf8Equals("content_block_delta") {
      facts.hasContent = true
      facts.contentBytes += root["delta"]?.range.count ?? 0
    } else if type.utf8Equals("message_start") {
      let message = root["message"]
      facts.model = message?["model"]?.string ?? ""
      facts.id = message?["id"]?.string ?? ""
      usage = AnthropicReply.usage(message?["usage"])
      facts.set(usage)
    } else if type.utf8Equals("message_delta") {
      facts.finish = AnthropicReply.finish(root["delta"]?["stop_reason"]) ?? facts.finish
      takeAnthropicUsage(root["usage"])
    } else if type.utf8Equals("message_stop") {
      hasEnded = true
    } else if type.utf8Equals("error") {
      return fail(root)
    }
    return .pass
  }

  /// Counts so far, not more of them; what it does not restate stays as it was told.
  private mutating func takeAnthropicUsage(_ element: JSONText.Element?) {
    guard let told = AnthropicReply.usage(element), let fields = UsageFields(element) else {
      return
    }
    var sum = usage ?? TokenUsage()
    if fields.has("input_tokens") { sum.freshInput = told.freshInput }
    if fields.has("cache_read_input_tokens") { sum.cacheRead = told.cacheRead }
    if fields.has("cache_creation_input_tokens") {
      // A breakdown told at the start holds where only the sum is told again.
      if fields.has("cache_creation") { sum.cacheWriteLong = told.cacheWriteLong }
      let written = fields.count("cache_creation_input_tokens")
      sum.cacheWriteShort = written &- sum.cacheWriteLong
    }
    if fields.has("output_tokens") { sum.output = told.output }
    if fields.has("server_tool_use") { sum.webSearches = told.webSearches }
    usage = sum
    facts.set(sum)
  }

  private mutating func takeChat(_ root: JSONText.Element) -> Passing {
    if let error = root["error"], !error.isNull { return fail(root) }
    guard let chunk = ChatReply.read(root) else { return .garbage }
    if !chunk.model.isEmpty { facts.model = chunk.model }
    if !chunk.id.isEmpty { facts.id = chunk.id }
    if facts.finish?.isWhole ?? true { facts.finish = chunk.finish ?? facts.finish }
    facts.hasContent = facts.hasContent || chunk.hasContent
    facts.contentBytes += chunk.contentBytes
    guard chunk.usage != nil || chunk.isUsageAbsurd else { return .pass }
    facts.usage = chunk.usage
    facts.isUsageAbsurd = chunk.isUsageAbsurd
    return passesUsageChunk || root["choices"]?.count != 0 ? .pass : .hold
  }

  private mutating func takeResponses(_ root: JSONText.Element) -> Passing {
    guard let type = root["type"]?.string else { return .garbage }
    switch type {
    case "error", "response.failed": return fail(root)
    case "response.created":
      facts.id = root["response"]?["id"]?.string ?? ""
      facts.model = root["response"]?["model"]?.string ?? ""
    case "response.completed", "response.incomplete":
      hasEnded = true
      guard let response = root["response"], let whole = ResponsesReply.read(response) else {
        return .garbage
      }
      let seen = facts.contentBytes
      facts = whole
      facts.contentBytes = max(seen, whole.contentBytes)
    default:
      guard type.hasSuffix(".delta") else { break }
      facts.hasContent = true
      facts.contentBytes += root["delta"]?.range.count ?? 0
    }
    return .pass
  }
}
