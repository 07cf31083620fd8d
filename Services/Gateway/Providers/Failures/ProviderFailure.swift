/// An attempt that a provider ended with an error, as it said it.
package struct ProviderFailure: Error, Equatable, Sendable {
  package let cause: FailureCause
  /// HTTP's status; nil where the error came within a stream.
  package let status: Int?
  /// The provider's word for it (`overloaded_error`, `rate_limit_exceeded`); empty without one.
  package let type: String
  /// One line, cut; the provider's own, for a person.
  package let message: String
  /// When it says that asking again may work.
  package let retryAfter: Duration?
  /// The provider's name of the call; empty without one.
  package let requestID: String

  package init(
    _ cause: FailureCause, status: Int? = nil, type: String = "", message: String = "",
    retryAfter: Duration? = nil, requestID: String = ""
  ) {
    self.cause = cause
    self.status = status
    self.type = type
    self.message = message
    self.retryAfter = retryAfter
    self.requestID = requestID
  }
}
