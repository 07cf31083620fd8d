package import ScoreContract

/// Why a run makes no more calls, and what becomes of it then.
package enum StopCause: Sendable, Equatable {
  /// It waits for somebody to resume it.
  case pause(reason: String)
  /// It ends in this state; PARTIAL becomes FAILED when it has no verdict.
  case end(RunState, reason: String)
  /// It goes on elsewhere.
  case handBack

  static let cancelled = StopCause.end(.cancelled, reason: "operator")
  static let timedOut = StopCause.end(.timedOut, reason: "timeout")
  static let stageFailed = StopCause.end(.failed, reason: "stage_failed")

  var isEnd: Bool {
    if case .end = self { true } else { false }
  }

  /// Running short of money or of a provider's quota: what its options want then.
  static func shortage(_ choice: OnShortage, reason: String) -> StopCause {
    choice == .endRun ? .end(.partial, reason: reason) : .pause(reason: reason)
  }

  /// The cause of a run that another owner left in CANCELLING: its reason says it.
  init(closing reason: String) {
    switch reason {
    case "operator": self = .cancelled
    case "timeout": self = .timedOut
    case "budget", "quota": self = .end(.partial, reason: reason)
    default: self = .end(.failed, reason: reason)
    }
  }

  /// How a unit is skipped that was not asked.
  var skipReason: SkipReason {
    self == .end(.partial, reason: "budget") ? .skippedBudget : .runEnded
  }

  /// How a stage ends that was active.
  var stageState: StageState {
    guard case .end(let state, _) = self else { return .stageCancelled }
    return switch state {
    case .partial: .stagePartial
    case .failed: .stageFailed
    case .timedOut: .stageTimedOut
    default: .stageCancelled
    }
  }
}
