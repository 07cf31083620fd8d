/// What a provider's error means, as data: the first row that fits, from the top.
package enum FailureTable {
  /// What a row asks of an error; nil and empty ask nothing.
  package struct Row: Sendable {
    let family: ProviderFamily?
    let statuses: ClosedRange<Int>?
    /// Any of these, as the error's type or its code.
    let words: [String]
    let hasRetryAfter: Bool?
    /// How the message begins. Only where the provider's contract gives no other sign.
    let messagePrefixes: [String]
    let cause: FailureCause

    init(
      _ cause: FailureCause, _ family: ProviderFamily? = nil, statuses: ClosedRange<Int>? = nil,
      words: [String] = [], hasRetryAfter: Bool? = nil, messagePrefixes: [String] = []
    ) {
      self.cause = cause
      self.family = family
      self.statuses = statuses
      self.words = words
      self.hasRetryAfter = hasRetryAfter
      self.messagePrefixes = messagePrefixes
    }
  }

  /// An error as it was read, before anyone knows what it means.
  package struct Sighting: Sendable {
    package let family: ProviderFamily
    /// nil within a stream that began with a 200.
    package let status: Int?
    package let words: [String]
    package let hasRetryAfter: Bool
    package let message: String

    package init(
      family: ProviderFamily, status: Int?, words: [String], hasRetryAfter: Bool, message: String
    ) {
      self.family = family
      self.status = status
      self.words = words
      self.hasRetryAfter = hasRetryAfter
      self.message = message
    }
  }

  package static func cause(of sighting: Sighting) -> FailureCause {
    rows.first { $0.fits(sighting) }?.cause ?? .serverError
  }

  static let rows: [Row] = [
    // Spent, and no retry will help before a date: the words that only this has come first.
    Row(
      .quotaExhausted,
      words: [
        "enforced_spend_limit_reached", "insufficient_quota", "credit_balance_exhausted",
        "organization_spend_limit_exceeded", "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded", "billing_error", "billing_hard_limit_reached",
      ]),
    Row(.quotaExhausted, statuses: 402...402),
    // The same 400 as a malformed request, told apart by its text alone.
    Row(
      .quotaExhausted, .anthropic, statuses: 400...400,
      messagePrefixes: [
        "You have reached your specified API usage limits",
        "You have reached your specified workspace API usage limits",
        "Your credit balance is too low",
      ]),

    Row(.rampedTooFast, words: ["slow_down"]),
    Row(.rateLimited, statuses: 429...429, hasRetryAfter: true),
    Row(.rateLimited, .openAI, statuses: 429...429),
    // Anthropic names a time when a bucket is empty; without one it is the climb that was steep.
    Row(.rampedTooFast, .anthropic, statuses: 429...429),
    Row(.rateLimited, words: ["rate_limit_error", "rate_limit_exceeded"]),

    Row(.overloaded, statuses: 529...529),
    Row(.overloaded, words: ["overloaded_error", "server_is_overloaded", "overloaded"]),

    Row(
      .contextTooLong,
      words: [
        "context_length_exceeded", "model_context_window_exceeded", "string_above_max_length",
      ]
    ),
    Row(
      .contextTooLong, .anthropic, statuses: 400...400,
      messagePrefixes: ["prompt is too long", "input length and `max_tokens` exceed"]),
    Row(.requestTooLarge, statuses: 413...413),
    Row(.requestTooLarge, words: ["request_too_large"]),
    Row(.unknownModel, words: ["model_not_found", "not_found_error"]),
    Row(.unknownModel, statuses: 404...404),
    Row(.keyRejected, statuses: 401...401),
    Row(.keyRejected, statuses: 403...403),
    Row(
      .keyRejected, words: ["authentication_error", "permission_error", "invalid_api_key"]),
    Row(.conflict, statuses: 409...409),
    Row(.timedOut, statuses: 408...408),
    Row(.timedOut, statuses: 504...504),
    Row(.timedOut, words: ["timeout_error"]),
    Row(.serverError, statuses: 500...599),
    Row(.serverError, words: ["api_error", "server_error"]),
    Row(.invalidRequest, statuses: 400...499),
    Row(.invalidRequest, words: ["invalid_request_error"]),
    // A redirect is followed by nobody: it could lead anywhere.
    Row(.garbage, statuses: 100...399),
  ]
}

extension FailureTable.Row {
  func fits(_ sighting: FailureTable.Sighting) -> Bool {
    if let family, family != sighting.family { return false }
    if let statuses {
      guard let status = sighting.status, statuses.contains(status) else { return false }
    }
    if !words.isEmpty, !words.contains(where: sighting.words.contains) { return false }
    if let hasRetryAfter, hasRetryAfter != sighting.hasRetryAfter { return false }
    return messagePrefixes.isEmpty
      || messagePrefixes.contains { sighting.message.utf8.starts(with: $0.utf8) }
  }
}
