/// What a response says of one of the provider's buckets, already read from its headers.
package struct HeaderCount: Sendable, Equatable {
  package var limit: Int64?
  package var remaining: Int64?
  /// Until it is full again.
  package var resetAfter: Duration?

  package init(limit: Int64? = nil, remaining: Int64? = nil, resetAfter: Duration? = nil) {
    self.limit = limit
    self.remaining = remaining
    self.resetAfter = resetAfter
  }
}

/// The `…-limit`, `…-remaining` and `…-reset` headers of one response.
package struct ProviderHeaders: Sendable, Equatable {
  package var requests: HeaderCount?
  package var inputTokens: HeaderCount?
  package var outputTokens: HeaderCount?

  package init(
    requests: HeaderCount? = nil, inputTokens: HeaderCount? = nil,
    outputTokens: HeaderCount? = nil
  ) {
    self.requests = requests
    self.inputTokens = inputTokens
    self.outputTokens = outputTokens
  }
}
