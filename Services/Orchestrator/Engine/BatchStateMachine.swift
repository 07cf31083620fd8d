package import GatewayContract
package import ScoreContract

/// One batch on its way to be settled: called, called again, waited for, or found to be paid.
///
/// Only `calling` takes a slot. A call that may have been paid (`isAmbiguous`) is never given up
/// before the gateway has said what became of it, except when patience ends. While it waits it
/// keeps its part of the budget: a copy of its request may still be on its way.
package struct BatchStateMachine: Sendable, Equatable {
  package enum State: Sendable, Equatable {
    /// May be called when there is a slot and budget.
    case ready
    /// The gateway is asked what became of its call.
    case recalling
    case calling
    case waiting(until: Int64)
    /// What it amounts to is on its way to Store.
    case settling
  }

  package enum Input: Sendable, Equatable {
    case recall
    case recalled(GetCallResponse.State)
    case call
    case answered
    case refused(FailureTable.Row, retryAfterMs: Int64)
    case woke
    /// No call is to be made any more that is not owed.
    case stop
  }

  package enum Action: Sendable, Equatable {
    case none
    case recall
    case call
    case settleReply
    case settleLost
    case settleSplit(Failure.Reason)
    case settleExhausted(Failure.Reason)
    /// The run pauses or ends; this batch stays as it is.
    case stopRun(FailureTable.Action)
    /// Nothing of it is paid, so that it may be left.
    case leave
  }

  package private(set) var state = State.ready
  /// The gateway has a record of its call: asking again costs nothing new, not asking loses it.
  package private(set) var isOwed = false
  package private(set) var isAmbiguous = false
  private var isStopping = false
  private var repeats = 0
  private var waits = 0
  private var waitingSince: Int64?

  package init() {}

  /// Takes an input in at a time in milliseconds; `name` spreads the backoff.
  package mutating func handle(_ input: Input, at now: Int64, name: String) -> Action {
    switch (state, input) {
    case (.ready, .recall):
      state = .recalling
      return .recall
    case (.recalling, .recalled(let found)):
      return recalled(found)
    case (.ready, .call):
      state = .calling
      return .call
    case (.calling, .answered):
      state = .settling
      return .settleReply
    case (.calling, .refused(let row, let retryAfter)):
      return refused(row, retryAfter, at: now, name: name)
    case (.waiting(let until), .woke) where now >= until:
      state = .ready
      guard isStopping, isAmbiguous else { return .none }
      state = .recalling
      return .recall
    case (_, .stop):
      return stop()
    default:
      // What comes late, or twice, changes nothing.
      return .none
    }
  }

  /// Whether the run must not end before this is settled or left.
  package var isBusy: Bool {
    switch state {
    case .ready: isOwed || isAmbiguous
    case .recalling, .calling, .waiting, .settling: true
    }
  }

  private mutating func recalled(_ found: GetCallResponse.State) -> Action {
    state = .ready
    switch found {
    case .inFlight, .settled, .uncertain:
      isOwed = true
      return .none
    case .unknownCall, .void, .unspecified, .unrecognized:
      isOwed = false
      isAmbiguous = false
      return .leave
    }
  }

  private mutating func refused(
    _ row: FailureTable.Row, _ retryAfter: Int64, at now: Int64, name: String
  ) -> Action {
    switch row.action {
    case .lost:
      state = .settling
      return .settleLost
    case .split:
      state = .settling
      return .settleSplit(row.failure)
    case .quota, .budget, .fatal:
      state = .ready
      isOwed = false
      isAmbiguous = false
      return .stopRun(row.action)
    case .again where !row.isAmbiguous:
      repeats += 1
      if repeats > EngineLimits.transientRepeatsMax { return exhaust(row.failure) }
      return wait(row, retryAfter, try: repeats, at: now, name: name)
    case .again, .wait:
      let since = waitingSince ?? now
      waitingSince = since
      waits += 1
      if now - since > EngineLimits.patienceMs { return exhaust(row.failure) }
      return wait(row, retryAfter, try: waits, at: now, name: name)
    }
  }

  private mutating func exhaust(_ reason: Failure.Reason) -> Action {
    state = .settling
    return .settleExhausted(reason)
  }

  private mutating func wait(
    _ row: FailureTable.Row, _ retryAfter: Int64, try number: Int, at now: Int64, name: String
  ) -> Action {
    if row.isAmbiguous { isAmbiguous = true }
    let delay = Backoff.delayMs(
      try: number, of: name, first: EngineLimits.backoffFirstMs, most: EngineLimits.backoffMostMs)
    state = .waiting(until: now + max(retryAfter, 0) + delay)
    return isStopping && !isAmbiguous && !isOwed ? leave() : .none
  }

  private mutating func stop() -> Action {
    isStopping = true
    switch state {
    case .ready where isAmbiguous && !isOwed:
      state = .recalling
      return .recall
    case .waiting where !isAmbiguous && !isOwed:
      return leave()
    default:
      return .none
    }
  }

  private mutating func leave() -> Action {
    state = .ready
    return .leave
  }
}
