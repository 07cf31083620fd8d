// SimulatorModel: a provider of language models as plain values: requests read and checked as
// the real ones do, answers made from a seed, tokens counted and priced, a prompt cache, rate
// limits and the bill. No I/O, no clock, no randomness: times come in, seeds
// come in. It shares nothing with the gateway, so that the two can disagree: it is the outside
// oracle of what a call costs. Limits: `ModelLimits`.

/// How a caller speaks to a provider.
package enum Dialect: String, Sendable, CaseIterable {
  case messages = "anthropic-messages"
  case chat = "openai-chat"
  case responses = "openai-responses"

  package var isAnthropic: Bool { self == .messages }
}

/// Bounds of what the simulator reads and makes.
package enum ModelLimits {
  /// Body of a Messages or count_tokens request; above it the edge answers 413.
  package static let messagesBodyBytesMax = 32 << 20
  /// Nested values in an answer that is made for a schema.
  static let schemaDepthMax = 24
  /// Item ids of one request that an answer echoes.
  static let itemsMax = 4096
  /// Deltas of one stream.
  static let deltasMax = 256
  /// Entries of the prompt cache; the oldest make room.
  static let cacheEntriesMax = 200_000
  /// Requests of one batch.
  package static let batchRequestsMax = 100_000
}
