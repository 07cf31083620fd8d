package import GatewayValues
package import JSONText

/// How an answer ended.
package enum Finish: Hashable, Sendable {
  case stop
  case length
  case toolCalls
  case refusal
  /// The provider wants to go on with the same turn.
  case pause
  /// Something that came after this was written.
  case other(String)

  /// Whether the answer is whole, and may be given again to whoever asks the same.
  package var isWhole: Bool { self == .stop || self == .toolCalls }
}

/// What an answer says about itself.
package struct ReplyFacts: Equatable, Sendable {
  /// As the provider names it.
  package var model = ""
  package var id = ""
  package var finish: Finish?
  /// nil where the provider told none that can be believed.
  package var usage: TokenUsage?
  /// A usage was told, and no provider can have meant it.
  package var isUsageAbsurd = false
  package var hasContent = false
  /// Bytes of text that came, for a guess where no usage was told.
  package var contentBytes = 0

  package init() {}

  mutating func set(_ usage: TokenUsage?) {
    guard let usage else { return }
    isUsageAbsurd = !usage.isCredible
    self.usage = usage.isCredible ? usage : nil
  }
}

extension Dialect {
  /// Reads a whole answer; nil when it is none of this dialect.
  package func readReply(_ reply: JSONText) -> ReplyFacts? {
    guard reply.root.kind == .object else { return nil }
    return switch self {
    case .anthropicMessages: AnthropicReply.read(reply.root)
    case .openAIChat: ChatReply.read(reply.root)
    case .openAIResponses: ResponsesReply.read(reply.root)
    }
  }
}

/// Counts in replies: what is absent is 0 only where the contract says so.
struct UsageFields {
  let object: JSONText.Element

  /// nil without a usage at all.
  init?(_ element: JSONText.Element?) {
    guard let element, element.kind == .object else { return nil }
    object = element
  }

  /// A count; 0 when it is absent; what is no whole number within Int64 is told as impossible.
  func count(_ name: String) -> Int64 {
    guard let element = object[name], !element.isNull else { return 0 }
    return element.int.map(Int64.init) ?? -1
  }

  func count(_ outer: String, _ name: String) -> Int64 {
    UsageFields(object[outer])?.count(name) ?? 0
  }

  func has(_ name: String) -> Bool { object[name].map { !$0.isNull } ?? false }
}
