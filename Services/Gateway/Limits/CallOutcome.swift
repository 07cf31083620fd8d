package import GatewayPacing

/// How an attempt ended, in the classes that decide what follows.
package enum CallOutcome: Sendable, Equatable {
  case succeeded
  /// 429: this bucket has had enough; with what its Retry-After says.
  case rateLimited(retryAfter: Duration?)
  /// 529 and the like: the provider has had enough, whoever asks.
  case overloaded(retryAfter: Duration?)
  /// 5xx, a broken or silent connection, an error within a stream.
  case broken
  /// Spend limit, credit, daily quota: until a date if the provider named one.
  case quotaExhausted(until: MonotonicInstant?)
  /// 401, 403: the key is no good.
  case unauthorized
  /// Any other answer that asking again will not change.
  case rejected
  /// We gave it up; it says nothing of the provider.
  case abandoned

  /// What it says of the provider: true that it works, false that it does not.
  var provesProvider: Bool? {
    switch self {
    case .succeeded, .rejected, .unauthorized, .rateLimited, .quotaExhausted: true
    case .overloaded, .broken: false
    case .abandoned: nil
    }
  }

  /// Whether the provider let the call in, so that a gate may open.
  var passedGate: Bool {
    switch self {
    case .succeeded, .rejected: true
    default: false
    }
  }

  var isFailure: Bool { self != .succeeded }
}
