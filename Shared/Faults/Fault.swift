// Faults: one error vocabulary for everything that crosses a service line. A Fault says what
// happened (code), which of our errors it is (reason), where (facts) and what to do next
// (retryAfter, hint). It never carries a payload, a key or a secret, and nobody ever matches on
// its text. Limits: `FaultLimits`.

/// An error as it crosses a service line.
package struct Fault: Error, Equatable, Sendable {
  /// The kind of failure, in gRPC's numbering, so that any stock client understands it.
  package var code: Code
  /// Which of our errors this is: stable, SCREAMING_SNAKE, safe to branch on.
  package var reason: String
  /// One English line for a person, with the offending id; never a payload or a secret.
  package var message: String
  /// When asking again may help; nil when it will not, or when nobody knows.
  package var retryAfter: Duration?
  /// What to do next, one line; shown by the CLI.
  package var hint: String?
  /// Names and values needed to act on the failure (`limit`, `service`, `path` …).
  package var facts: [String: String]
  /// The fields of the request that were refused, for `.invalidArgument`.
  package var violations: [FieldViolation]
  /// What led here, for the log of this process only: it is never sent.
  package var cause: String?

  package init(
    _ code: Code, reason: String, _ message: String, retryAfter: Duration? = nil,
    hint: String? = nil, facts: [String: String] = [:], violations: [FieldViolation] = [],
    cause: String? = nil
  ) {
    self.code = code
    self.reason = reason
    self.message = message
    self.retryAfter = retryAfter
    self.hint = hint
    self.facts = facts
    self.violations = violations
    self.cause = cause
  }
}

extension Fault {
  /// gRPC's status codes without `ok`: a fault is never a success.
  package enum Code: Int32, CaseIterable, Sendable {
    case cancelled = 1
    case unknown = 2
    case invalidArgument = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case aborted = 10
    case outOfRange = 11
    case unimplemented = 12
    case `internal` = 13
    case unavailable = 14
    case dataLoss = 15
    case unauthenticated = 16

    /// The name as gRPC's documentation and every client print it.
    package var name: String {
      switch self {
      case .cancelled: "CANCELLED"
      case .unknown: "UNKNOWN"
      case .invalidArgument: "INVALID_ARGUMENT"
      case .deadlineExceeded: "DEADLINE_EXCEEDED"
      case .notFound: "NOT_FOUND"
      case .alreadyExists: "ALREADY_EXISTS"
      case .permissionDenied: "PERMISSION_DENIED"
      case .resourceExhausted: "RESOURCE_EXHAUSTED"
      case .failedPrecondition: "FAILED_PRECONDITION"
      case .aborted: "ABORTED"
      case .outOfRange: "OUT_OF_RANGE"
      case .unimplemented: "UNIMPLEMENTED"
      case .internal: "INTERNAL"
      case .unavailable: "UNAVAILABLE"
      case .dataLoss: "DATA_LOSS"
      case .unauthenticated: "UNAUTHENTICATED"
      }
    }
  }

  /// One refused field of a request.
  package struct FieldViolation: Equatable, Sendable {
    package var field: String
    package var description: String

    package init(field: String, description: String) {
      self.field = field
      self.description = description
    }
  }
}

extension Fault: CustomStringConvertible {
  package var description: String { "\(code.name) \(reason): \(message)" }
}

/// An error that knows how it looks to another service; anything else crosses as `.internal`.
package protocol FaultConvertible: Error {
  var fault: Fault { get }
}

extension Fault: FaultConvertible {
  package var fault: Fault { self }
}

extension Fault {
  /// What a caller may see of any error: its own fault, a cancellation, or `INTERNAL` without
  /// detail (the detail stays in `cause`, for the log).
  package init(describing error: any Error) {
    if let known = error as? any FaultConvertible {
      self = known.fault
    } else if error is CancellationError {
      self = Fault(.cancelled, reason: "CANCELLED", "The call was cancelled.")
    } else {
      self = Fault(
        .internal, reason: "INTERNAL", "An internal error; this service's log has the detail.",
        cause: String(describing: error))
    }
  }
}

/// Bounds on what of a fault crosses the wire.
package enum FaultLimits {
  package static let messageBytesMax = 1024
  package static let factsMax = 16
  package static let violationsMax = 32
}
