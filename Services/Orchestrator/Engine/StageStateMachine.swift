package import ScoreContract

/// One stage: entered, asked, its followers answered, ended. The next begins when it has no open
/// unit left.
package struct StageStateMachine: Sendable, Equatable {
  package enum State: Sendable, Equatable {
    /// Whether a unit failed in it before is asked of Store.
    case entering
    /// That it is active is on its way to Store.
    case activating
    case asking
    /// Units with a key that another unit has get that one's verdict.
    case following
    /// Whether it has anything but failed units is asked of Store.
    case weighing
    case ending
    case ended
  }

  package enum Input: Sendable, Equatable {
    /// Store has a failed unit of it, or none.
    case probed(hasFailed: Bool)
    case activated
    case unitFailed
    /// It has no open unit but followers.
    case drained
    case followed
    case weighed(hasAnswered: Bool)
    case endKept
  }

  package enum Action: Sendable, Equatable {
    case none
    case commit(StageState)
    case ask
    case follow
    case weigh
    case failRun
    case next
  }

  package let index: Int
  package let isFailFast: Bool
  /// As Store has it.
  package private(set) var stored: StageState
  package private(set) var state = State.entering
  private var hasFailed = false

  package init(index: Int, isFailFast: Bool, stored: StageState) {
    self.index = index
    self.isFailFast = isFailFast
    self.stored = stored
  }

  package mutating func handle(_ input: Input) -> Action {
    switch (state, input) {
    case (.entering, .probed(let failed)):
      hasFailed = failed
      if failed, isFailFast { return .failRun }
      if stored == .stageActive || isSettled {
        state = .asking
        return .ask
      }
      state = .activating
      return .commit(.stageActive)
    case (.activating, .activated):
      stored = .stageActive
      state = .asking
      return .ask
    case (_, .unitFailed) where state != .ended:
      hasFailed = true
      return isFailFast ? .failRun : .none
    case (.asking, .drained):
      state = .following
      return .follow
    case (.following, .followed):
      if isSettled { return leave() }
      guard hasFailed else { return end(.stageCompleted) }
      state = .weighing
      return .weigh
    case (.weighing, .weighed(let answered)):
      return end(answered ? .stagePartial : .stageFailed)
    case (.ending, .endKept):
      return leave()
    default:
      return .none
    }
  }

  /// Ended for good: a stage that completed has nothing to ask.
  private var isSettled: Bool { stored == .stageCompleted || stored == .stageSkipped }

  private mutating func end(_ how: StageState) -> Action {
    state = .ending
    return .commit(how)
  }

  private mutating func leave() -> Action {
    state = .ended
    return .next
  }
}
