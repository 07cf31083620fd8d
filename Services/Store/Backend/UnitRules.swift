package import Faults
package import ScoreContract

/// All of a unit that changes.
package struct UnitHead: Sendable, Equatable {
  /// The backend's own name for it.
  package var key: Int64
  package var state: UnitState
  package var skipReason = SkipReason.unspecified
  package var failure: Failure?
  package var verdictID = ""
  package var tries: UInt32 = 0
  package var batch = ""

  package init(key: Int64, state: UnitState) {
    self.key = key
    self.state = state
  }
}

/// The life of a unit and of a stage.
package enum UnitRules {
  /// The unit after the change. An ended unit opens again only when a resume can do better.
  package static func applying(
    _ change: UnitChange, to unit: UnitHead
  ) throws(Fault) -> UnitHead {
    guard unit.state == .open || (change.state == .open && mayOpenAgain(unit)) else {
      throw Fault(
        .failedPrecondition, reason: "UNIT_ENDED",
        "Unit '\(change.unitId)' ended as \(unit.state.name).",
        facts: ["unit": change.unitId, "state": unit.state.name])
    }
    var after = UnitHead(key: unit.key, state: change.state)
    after.skipReason = change.skipReason
    after.failure = change.failure
    after.verdictID = change.verdict?.id ?? change.verdictId
    let keepsCalls = change.state != .open
    after.tries = keepsCalls && change.tries == 0 ? unit.tries : change.tries
    after.batch = keepsCalls && change.batch.isEmpty ? unit.batch : change.batch
    return after
  }

  private static func mayOpenAgain(_ unit: UnitHead) -> Bool {
    switch unit.state {
    case .unitFailed, .undetermined: true
    case .skipped: [.skippedBudget, .runEnded, .limit].contains(unit.skipReason)
    default: false
    }
  }

  /// Stages come in order and keep their names; what completed or was skipped stays so.
  package static func check(
    _ stage: Stage, against known: Stage?, count: UInt32
  ) throws(Fault) {
    guard let known else {
      guard stage.index == count else {
        throw Fault(
          .failedPrecondition, reason: "STAGE_ORDER",
          "Stage \(stage.index) comes before stage \(count).")
      }
      return
    }
    guard known.name == stage.name, known.state.mayBecome(stage.state) else {
      throw Fault(
        .failedPrecondition, reason: "STAGE_STATE",
        "Stage '\(known.name)' is \(known.state.name) and cannot become this.",
        facts: ["stage": known.name, "state": known.state.name])
    }
  }
}

extension StageState {
  package var isKnown: Bool {
    switch self {
    case .unspecified, .unrecognized: false
    default: true
    }
  }

  fileprivate func mayBecome(_ next: StageState) -> Bool {
    switch self {
    case .stagePending: next != .stagePending
    case .stageActive: next != .stagePending && next != .stageActive
    case .stagePartial, .stageFailed, .stageTimedOut, .stageCancelled: next == .stageActive
    default: false
    }
  }
}

extension UnitHead {
  /// Says what it knows of the unit.
  package func fill(_ unit: inout Unit) {
    unit.state = state
    unit.skipReason = skipReason
    unit.failure = failure
    unit.verdictId = verdictID
    unit.tries = tries
    unit.batch = batch
  }
}
