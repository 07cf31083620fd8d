package import Faults
package import ScoreContract

/// What to do about a fault of the gateway, as data: first by its reason, then by its code.
package enum FailureTable {
  /// What the engine does.
  package enum Action: Sendable, Equatable, CaseIterable {
    /// The same call again after a backoff, a few times.
    case again
    /// The same call again when it may work, for as long as patience lasts.
    case wait
    /// The run pauses or ends, as its options say.
    case quota
    case budget
    /// The run fails at once: no call of it can work.
    case fatal
    /// Smaller batches; a single unit fails.
    case split
    /// Charged at its bound; the units are asked again under a new key.
    case lost
  }

  /// One row.
  package struct Row: Sendable, Equatable {
    package let action: Action
    /// What a unit says that fails for it.
    package let failure: Failure.Reason
    /// The call may have been made, and paid.
    package let isAmbiguous: Bool

    init(_ action: Action, _ failure: Failure.Reason, ambiguous isAmbiguous: Bool = false) {
      self.action = action
      self.failure = failure
      self.isAmbiguous = isAmbiguous
    }
  }

  package static func row(for fault: Fault) -> Row {
    byReason[fault.reason] ?? byCode[fault.code] ?? Row(.again, .transient, ambiguous: true)
  }

  /// Reasons that the gateway gives; what a provider said is known by then, and paid or not.
  package static let byReason: [String: Row] = [
    "PROVIDER_UNAVAILABLE": Row(.again, .transient),
    "PROVIDER_ERROR": Row(.again, .transient),
    "PROVIDER_TIMEOUT": Row(.again, .transient),
    "EMPTY_REPLY": Row(.again, .transient),
    "RATE_LIMITED": Row(.wait, .rate),
    "PROVIDER_OVERLOADED": Row(.wait, .rate),
    "QUEUE_FULL": Row(.wait, .rate),
    "QUOTA_EXHAUSTED": Row(.quota, .quota),
    "BUDGET_EXHAUSTED": Row(.budget, .budget),
    "BAD_CREDENTIALS": Row(.fatal, .authorization),
    "UNKNOWN_MODEL": Row(.fatal, .authorization),
    "UNPRICED_MODEL": Row(.fatal, .authorization),
    "CONTEXT_TOO_LONG": Row(.split, .overflow),
    "MESSAGE_TOO_LARGE": Row(.split, .overflow),
    "REQUEST_TOO_LARGE": Row(.split, .overflow),
    "REFUSED": Row(.split, .refused),
    "CALL_UNCERTAIN": Row(.lost, .lost),
  ]

  /// For all other reasons: the gateway's or the channel's own.
  package static let byCode: [Fault.Code: Row] = [
    .unavailable: Row(.wait, .transient, ambiguous: true),
    .resourceExhausted: Row(.wait, .rate),
    .deadlineExceeded: Row(.again, .deadline, ambiguous: true),
    .cancelled: Row(.again, .transient, ambiguous: true),
    .aborted: Row(.again, .transient, ambiguous: true),
    .internal: Row(.again, .internal, ambiguous: true),
    .unknown: Row(.again, .transient, ambiguous: true),
    .dataLoss: Row(.again, .transient, ambiguous: true),
    .unauthenticated: Row(.fatal, .authorization),
    .permissionDenied: Row(.fatal, .authorization),
    .unimplemented: Row(.fatal, .authorization),
    .notFound: Row(.fatal, .authorization),
    .failedPrecondition: Row(.fatal, .authorization),
    .alreadyExists: Row(.fatal, .internal),
    .invalidArgument: Row(.split, .invalid),
    .outOfRange: Row(.split, .overflow),
  ]
}
