/// Why an attempt came to nothing, in the kinds that call for different acts.
package enum FailureCause: String, CaseIterable, Sendable {
  /// The request itself cannot be answered: never again as it is.
  case invalidRequest
  case requestTooLarge
  case contextTooLong
  case unknownModel
  /// The key is wrong, or may not: it is taken out until an operator puts another.
  case keyRejected
  /// Money or a quota is spent: nothing of this account works until a date or an operator's act.
  case quotaExhausted
  /// Too fast: the bucket is closed for everybody until a moment.
  case rateLimited
  /// Too steep a climb: slower, and again.
  case rampedTooFast
  /// The provider's own trouble; not our quota.
  case overloaded
  case serverError
  case conflict
  /// Within a 200: the stream told of an error, or ended before its end.
  case brokenStream
  /// Bytes that are no reply.
  case garbage
  /// A reply with nothing in it.
  case empty
  /// The way there.
  case unreachable
  case timedOut

  /// Whether the same request may work when it is sent again, by the same key or another.
  package var mayWorkAgain: Bool {
    switch self {
    case .rateLimited, .rampedTooFast, .overloaded, .serverError, .conflict, .brokenStream,
      .garbage, .empty, .unreachable, .timedOut:
      true
    case .invalidRequest, .requestTooLarge, .contextTooLong, .unknownModel, .keyRejected,
      .quotaExhausted:
      false
    }
  }

  /// Whether another key or provider may do better at once.
  package var mayWorkElsewhere: Bool {
    switch self {
    case .invalidRequest, .requestTooLarge, .contextTooLong: false
    default: true
    }
  }

  /// The reason of our Fault; data for whoever calls us.
  package var reason: String {
    switch self {
    case .invalidRequest: "PROVIDER_REFUSED_REQUEST"
    case .requestTooLarge: "REQUEST_TOO_LARGE"
    case .contextTooLong: "CONTEXT_TOO_LONG"
    case .unknownModel: "UNKNOWN_MODEL"
    case .keyRejected: "BAD_CREDENTIALS"
    case .quotaExhausted: "QUOTA_EXHAUSTED"
    case .rateLimited, .rampedTooFast: "RATE_LIMITED"
    case .overloaded: "PROVIDER_OVERLOADED"
    case .serverError, .conflict, .brokenStream, .garbage: "PROVIDER_ERROR"
    case .empty: "EMPTY_REPLY"
    case .unreachable: "PROVIDER_UNAVAILABLE"
    case .timedOut: "PROVIDER_TIMEOUT"
    }
  }
}
