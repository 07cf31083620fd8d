package import Faults

/// What the tool answers to the shell.
package enum ExitCode: Int32, Sendable {
  case success = 0
  case failed = 1
  case usage = 2
  /// Some of it worked.
  case partial = 3
  /// Not allowed.
  case denied = 4
  case budget = 5
  case upstream = 6
  /// The mesh is not there, or not well.
  case unavailable = 7
  case interrupted = 130

  /// The code for a fault, by its kind and reason, never by its text.
  package init(_ fault: Fault) {
    switch (fault.code, fault.reason) {
    case (_, "BUDGET_EXHAUSTED"): self = .budget
    case (_, "UPSTREAM"): self = .upstream
    case (.unavailable, _): self = .unavailable
    case (.unauthenticated, _), (.permissionDenied, _): self = .denied
    case (.cancelled, "INTERRUPTED"): self = .interrupted
    default: self = .failed
    }
  }
}
