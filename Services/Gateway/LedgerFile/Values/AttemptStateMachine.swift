/// Where an attempt stands.
package enum AttemptState: Int64, CaseIterable, Sendable {
  /// Money is held for it; nothing has left this process.
  case reserved = 1
  /// It may have been paid for.
  case sent = 2
  case settled = 3
  /// It cost nothing.
  case void = 4
  /// It is charged at its bound, for nobody knows what became of it.
  case uncertain = 5

  package var isEnd: Bool { self == .settled || self == .void || self == .uncertain }
}

/// The life of an attempt: what may happen to it, and what follows.
package struct AttemptStateMachine: Hashable, Sendable {
  package enum Event: CaseIterable, Sendable {
    case send
    case settle
    /// No usage that can be believed: settled at the bound.
    case settleAtBound
    case void
    /// The process ended without a word about it.
    case crash
  }

  package enum Move: Hashable, Sendable {
    case to(AttemptState)
    /// It has happened before: the same answer, and nothing is done.
    case already
    case refused
  }

  package private(set) var state = AttemptState.reserved

  package init() {}
  package init(_ state: AttemptState) { self.state = state }

  package mutating func take(_ event: Event) -> Move {
    let move = Self.move(from: state, event)
    if case .to(let next) = move { state = next }
    return move
  }

  private static func move(from state: AttemptState, _ event: Event) -> Move {
    switch (state, event) {
    case (.reserved, .send): .to(.sent)
    case (.reserved, .void), (.reserved, .crash): .to(.void)
    // What was never sent cannot have cost anything.
    case (.reserved, .settle), (.reserved, .settleAtBound): .refused
    case (.sent, .send): .already
    case (.sent, .settle): .to(.settled)
    case (.sent, .settleAtBound), (.sent, .crash): .to(.uncertain)
    case (.sent, .void): .to(.void)
    case (.settled, .settle), (.void, .void), (.uncertain, .settleAtBound): .already
    case (.settled, .crash), (.void, .crash), (.uncertain, .crash): .already
    case (.settled, _), (.void, _), (.uncertain, _): .refused
    }
  }
}
