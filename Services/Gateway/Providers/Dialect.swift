// GatewayProviders: what providers say and want to hear, as functions of bytes: a request read
// for what it will cost, edited in place, or written from one of ours; a reply, a stream or an
// error read for usage, finish and cause. It opens no connection, keeps no state between calls
// but what a stream's reader holds, and decides nothing about retries or money. What it does not
// know passes through unread. Limits: `ProviderLimits`.

/// A way to ask a model, as the world speaks it.
package enum Dialect: String, CaseIterable, Sendable {
  case anthropicMessages = "anthropic"
  case openAIChat = "openai-chat"
  case openAIResponses = "openai-responses"

  /// Where a provider of it takes calls.
  package var path: String {
    switch self {
    case .anthropicMessages: "/v1/messages"
    case .openAIChat: "/v1/chat/completions"
    case .openAIResponses: "/v1/responses"
    }
  }

  package var family: ProviderFamily {
    switch self {
    case .anthropicMessages: .anthropic
    case .openAIChat, .openAIResponses: .openAI
    }
  }
}

/// Whose conventions of headers, keys and errors hold.
package enum ProviderFamily: String, CaseIterable, Sendable {
  case anthropic
  case openAI = "openai"

  /// What a request may have: more is refused there, once all of it was sent. OpenAI's is not
  /// documented.
  package var requestBytesMax: Int {
    switch self {
    case .anthropic: 32 << 20
    case .openAI: 50 << 20
    }
  }
}

/// Named limits of what is read from providers and callers.
package enum ProviderLimits {
  /// A reply that is not a stream, and an event of one that is.
  package static let replyBytesMax = 32 << 20
  package static let errorBytesMax = 64 << 10
  /// Longer waits than a day are an operator's matter, not a header's.
  package static let retryAfterMax = Duration.seconds(86_400)
  /// Of a provider's message that is passed on.
  package static let messageBytesMax = 2_000
  /// Of a name that a provider or a caller gave to a model, a tool or a call.
  package static let nameBytesMax = 256
}
