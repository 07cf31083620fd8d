package import Faults
package import ScoreContract
package import StoreContract

/// All of a run that changes, apart from its units and stages: what rules decide upon.
package struct RunHead: Sendable, Equatable {
  package var state: RunState
  package var reason = ""
  package var requested = RunRequest.unspecified
  package var options: RunOptions
  package var totals = RunTotals()
  package var lastSeq: Int64 = 0
  package var outcome: [UInt8] = []
  package var generation: UInt32 = 0

  package init(state: RunState, options: RunOptions) {
    self.state = state
    self.options = options
  }
}

extension RunState {
  package var isKnown: Bool {
    switch self {
    case .unspecified, .unrecognized: false
    default: true
    }
  }

  /// States that a change may lead to without anybody's request.
  fileprivate var next: Set<RunState> {
    let ends: Set<RunState> = [.partial, .failed, .timedOut, .cancelled]
    return switch self {
    case .pending: ends.union([.planning, .cancelling])
    case .planning: ends.union([.awaitingApproval, .running, .completed, .cancelling])
    case .awaitingApproval: ends.union([.cancelling])
    case .running: ends.union([.paused, .completed, .cancelling])
    case .paused: ends.union([.cancelling])
    case .cancelling: ends
    default: []
    }
  }

  /// States from which a requested RESUME leads back to RUNNING.
  package var isResumable: Bool {
    switch self {
    case .paused, .partial, .failed, .timedOut, .cancelled: true
    default: false
    }
  }
}

extension RunRequest {
  /// Whether a run in this state has done what was asked of it, or never will.
  package func isAnswered(by state: RunState) -> Bool {
    switch self {
    case .unspecified, .unrecognized: true
    case .approve: state != .awaitingApproval
    // A run that awaits approval waits already.
    case .pause:
      state == .paused || state == .awaitingApproval || state == .cancelling || state.isEnded
    case .resume: state == .running || state == .cancelling || state.isEnded
    case .cancel: state == .cancelling || state.isEnded
    }
  }
}

/// The life of a run: which change follows which, and what a person may ask when.
package enum RunRules {
  /// Takes a change of the run's state in; what it says of requests, cap and totals is ours.
  ///
  /// A requested RESUME leads an ended or paused run back to RUNNING in its next generation;
  /// a request is cleared by the first state that answers it.
  package static func apply(_ change: RunChange, to head: inout RunHead) throws(Fault) {
    let isResume =
      head.requested == .resume && head.state.isResumable && change.state == .running
    let isApproval =
      head.requested == .approve && head.state == .awaitingApproval && change.state == .running
    if head.state.isEnded, !isResume { throw .runEnded(head.state) }
    guard isResume || isApproval || head.state.next.contains(change.state) else {
      throw .runState(
        "A run cannot go from \(head.state.name) to \(change.state.name).", head.state)
    }
    if change.state == .completed, head.totals.open > 0 {
      throw Fault(
        .failedPrecondition, reason: "UNITS_OPEN",
        "A run with \(head.totals.open) open units is not completed.")
    }
    head.state = change.state
    head.reason = change.reason
    head.outcome = change.outcome
    if isResume { head.generation += 1 }
    if head.requested.isAnswered(by: change.state) { head.requested = .unspecified }
  }

  /// Takes a person's request in; says whether it changes anything.
  package static func apply(
    _ request: RequestOfRunRequest, to head: inout RunHead
  ) throws(Fault) -> Bool {
    let cap = request.budgetCapNanos == 0 ? head.options.budgetCapNanos : request.budgetCapNanos
    if isDone(request, head, cap: cap) { return false }
    guard isPossible(request.request, in: head.state) else {
      throw .runState(
        "A run that is \(head.state.name) cannot be asked to \(request.request.name).", head.state)
    }
    if head.requested == .cancel, request.request != .cancel {
      throw .runState("This run was asked to CANCEL.", head.state)
    }
    if request.request == .resume {
      let isSame =
        head.requested == .resume && head.options.budgetCapNanos == cap
        && head.options.retryFailed == request.retryFailed
      if isSame { return false }
      head.options.budgetCapNanos = cap
      head.options.retryFailed = request.retryFailed
    } else if head.requested == request.request {
      return false
    }
    head.requested = request.request
    return true
  }

  /// Whether the run has done already what is asked: whoever lost the answer asks once more.
  private static func isDone(
    _ request: RequestOfRunRequest, _ head: RunHead, cap: Int64
  ) -> Bool {
    switch (request.request, head.state) {
    case (.cancel, .cancelling): true
    case (.pause, .paused): head.requested == .unspecified
    case (.resume, .running):
      head.generation > 0 && head.requested == .unspecified
        && head.options.budgetCapNanos == cap && head.options.retryFailed == request.retryFailed
    default: false
    }
  }

  private static func isPossible(_ request: RunRequest, in state: RunState) -> Bool {
    switch request {
    case .approve: state == .awaitingApproval
    case .pause: state == .pending || state == .planning || state == .running
    case .resume: state.isResumable
    case .cancel: !state.isEnded
    case .unspecified, .unrecognized: false
    }
  }

  /// Whether somebody must work on a run.
  package static func wantsOwner(_ state: RunState, requested: RunRequest) -> Bool {
    requested != .unspecified
      || !(state.isEnded || state == .paused || state == .awaitingApproval)
  }
}

extension RunTotals {
  /// Units that are neither answered nor given up.
  package var open: Int64 { planned - succeeded - failed - undetermined - skipped }

  /// Counts a unit in a state, or takes it out of it.
  package mutating func count(_ state: UnitState, by step: Int64) {
    switch state {
    case .succeeded: succeeded += step
    case .unitFailed: failed += step
    case .undetermined: undetermined += step
    case .skipped: skipped += step
    case .open, .unspecified, .unrecognized: break
    }
  }

  /// Counts one model call; sums stay at their greatest number rather than wrap.
  package mutating func count(_ attempt: AttemptChange) {
    attempts += 1
    if attempt.state == .attemptLost { lostAttempts += 1 }
    guard let usage = attempt.usage else { return }
    costNanos = Self.sum(costNanos, usage.costNanos)
    inputTokens = Self.sum(inputTokens, usage.inputTokens)
    outputTokens = Self.sum(outputTokens, usage.outputTokens)
  }

  private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, overflows) = left.addingReportingOverflow(right)
    return overflows ? .max : sum
  }
}

extension RunChange {
  /// The line that a person's request leaves in the log.
  package static func requesting(_ request: RequestOfRunRequest, of head: RunHead) -> RunChange {
    RunChange(
      state: head.state, reason: head.reason, requested: request.request,
      budgetCapNanos: request.budgetCapNanos, totals: head.totals)
  }
}

extension RunHead {
  /// Says what it knows of the run.
  package func fill(_ run: inout Run) {
    run.state = state
    run.reason = reason
    run.options = options
    run.totals = totals
    run.lastSeq = lastSeq
    run.requested = requested
    run.outcome = outcome
    run.generation = generation
  }
}
