/// Two attempts at one call, of which one is believed: when the second is looked for, which of
/// them goes on, and which is given up. It knows neither time nor money, and sends nothing.
package struct HedgeRace: Sendable, Equatable {
  package enum Runner: Sendable, Hashable, CaseIterable {
    case first
    case second
  }

  package enum Input: Sendable, Hashable {
    /// The first has not begun to answer in time.
    case due
    /// A second may leave by another way, and everything is held for it.
    case ready
    /// None may.
    case declined
    /// One begins to answer.
    case answered(Runner)
    /// One ended without an answer.
    case failed(Runner)
  }

  package enum Action: Sendable, Hashable {
    case nothing
    /// Look for another way, and hold what a second attempt needs; then say `ready` or `declined`.
    case look
    case send
    /// What was got ready is not needed any more.
    case giveBack
    /// Its answer is the call's; the other, if it is still under way, is given up.
    case take(Runner, givingUp: Runner?)
    /// It is out; the other goes on.
    case drop(Runner)
    /// Its failure is the attempt's.
    case fail(Runner)
  }

  private enum State: Sendable, Hashable {
    /// The first alone, before its time.
    case waiting
    case looking
    case both
    /// One alone, and no other will come.
    case single(Runner)
    case over
  }

  private var state = State.waiting

  package init() {}

  package var isOver: Bool { state == .over }

  /// What follows; whatever comes late, or twice, changes nothing.
  package mutating func take(_ input: Input) -> Action {
    switch (state, input) {
    case (.waiting, .due):
      state = .looking
      return .look
    case (.looking, .ready):
      state = .both
      return .send
    case (_, .ready): return .giveBack
    case (.looking, .declined):
      state = .single(.first)
      return .nothing
    case (.waiting, .answered(.first)), (.looking, .answered(.first)):
      state = .over
      return .take(.first, givingUp: nil)
    case (.waiting, .failed(.first)), (.looking, .failed(.first)):
      state = .over
      return .fail(.first)
    case (.both, .answered(let runner)):
      state = .over
      return .take(runner, givingUp: runner.other)
    case (.both, .failed(let runner)):
      state = .single(runner.other)
      return .drop(runner)
    case (.single(let runner), .answered(let who)) where who == runner:
      state = .over
      return .take(runner, givingUp: nil)
    case (.single(let runner), .failed(let who)) where who == runner:
      state = .over
      return .fail(runner)
    default: return .nothing
    }
  }
}

extension HedgeRace.Runner {
  var other: Self { self == .first ? .second : .first }
}
