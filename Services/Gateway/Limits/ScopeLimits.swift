/// The limits of one product, key or provider bucket; nil is no limit.
package struct ScopeLimits: Sendable, Equatable {
  package var requestsPerMinute: Int64?
  package var inputTokensPerMinute: Int64?
  package var outputTokensPerMinute: Int64?
  package var callsPerHour: Int64?
  package var concurrency: Int64?

  package init(
    requestsPerMinute: Int64? = nil, inputTokensPerMinute: Int64? = nil,
    outputTokensPerMinute: Int64? = nil, callsPerHour: Int64? = nil, concurrency: Int64? = nil
  ) {
    self.requestsPerMinute = requestsPerMinute
    self.inputTokensPerMinute = inputTokensPerMinute
    self.outputTokensPerMinute = outputTokensPerMinute
    self.callsPerHour = callsPerHour
    self.concurrency = concurrency
  }
}

/// What a limit counts.
package enum LimitKind: Sendable, Equatable, CaseIterable {
  case requests
  case inputTokens
  case outputTokens
  case callsPerHour
  case concurrency

  /// Whether a smaller call may pass where a larger one waits.
  var dependsOnSize: Bool { self == .inputTokens || self == .outputTokens }
}

/// Whose limit it is.
package enum LimitScope: Sendable, Equatable, CaseIterable {
  case product
  case key
  case bucket
}

/// How long a minute and an hour are, for tests that cannot wait so long, and how far apart the
/// delays of two requests may be on their way to whoever counts them.
package struct LimitTimes: Sendable, Equatable {
  package var minute: Duration
  package var hour: Duration
  package var guardMargin: Duration

  package init(
    minute: Duration = .seconds(60), hour: Duration = .seconds(3600),
    guardMargin: Duration = .seconds(2)
  ) {
    self.minute = minute
    self.hour = hour
    self.guardMargin = guardMargin
  }
}
