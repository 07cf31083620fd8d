import Faults
import GatewayContract
import RunEngine
import ScoreContract
import Testing

/// Every input in every state that can be reached: nothing traps, and what is late or doubled
/// changes nothing.
@Suite struct StateMachineTableTests {
  // MARK: - Batch

  private var batchInputs: [BatchStateMachine.Input] {
    let found: [GetCallResponse.State] = [
      .unspecified, .unknownCall, .inFlight, .settled, .uncertain, .void, .unrecognized(9),
    ]
    let rows = FailureTable.byReason.values.map { $0 } + FailureTable.byCode.values.map { $0 }
    return [.recall, .call, .answered, .woke, .stop] + found.map { .recalled($0) }
      + rows.map { .refused($0, retryAfterMs: 10) }
  }

  /// Machines that sequences of at most `depth` inputs lead to.
  private func reachableBatches(depth: Int) -> [BatchStateMachine] {
    var found = [BatchStateMachine()]
    var front = found
    for step in 0..<depth {
      var next: [BatchStateMachine] = []
      for machine in front {
        for input in batchInputs {
          var after = machine
          _ = after.handle(input, at: Int64(step) * 100_000, name: "b")
          if !found.contains(after) {
            found.append(after)
            next.append(after)
          }
        }
      }
      front = next
    }
    return found
  }

  @Test func `a batch answers each input in each state`() {
    for machine in reachableBatches(depth: 4) {
      for input in batchInputs {
        var after = machine
        let action = after.handle(input, at: 1_000_000, name: "b")
        expectSound(machine, input, action, after)
      }
    }
  }

  private func expectSound(
    _ before: BatchStateMachine, _ input: BatchStateMachine.Input,
    _ action: BatchStateMachine.Action, _ after: BatchStateMachine
  ) {
    // Only a call in flight can be settled, and what is settled stays so.
    switch action {
    case .settleReply, .settleLost, .settleSplit, .settleExhausted:
      #expect(before.state == .calling && after.state == .settling)
    case .call: #expect(before.state == .ready && after.state == .calling)
    case .recall: #expect(after.state == .recalling)
    case .stopRun, .leave: #expect(after.state == .ready && !after.isOwed)
    case .none: break
    }
    if before.state == .settling { #expect(after.state == .settling && action == .none) }
    // A call that may be paid is only forgotten when the gateway has spoken of it.
    if before.isAmbiguous, !after.isAmbiguous {
      switch input {
      case .recalled, .refused: break
      default: Issue.record("\(input) made a batch forget that it may be paid.")
      }
    }
  }

  @Test func `a transient error is tried again at most four times`() {
    var machine = BatchStateMachine()
    let row = FailureTable.Row.transient
    var now: Int64 = 0
    for _ in 0..<EngineLimits.transientRepeatsMax {
      #expect(machine.handle(.call, at: now, name: "b") == .call)
      #expect(machine.handle(.refused(row, retryAfterMs: 0), at: now, name: "b") == .none)
      guard case .waiting(let until) = machine.state else {
        Issue.record("It does not wait.")
        return
      }
      #expect((now + 1...now + EngineLimits.backoffMostMs).contains(until))
      now = until
      #expect(machine.handle(.woke, at: now, name: "b") == .none)
      #expect(machine.state == .ready)
    }
    _ = machine.handle(.call, at: now, name: "b")
    let last = machine.handle(.refused(row, retryAfterMs: 0), at: now, name: "b")
    #expect(last == .settleExhausted(.transient))
  }

  @Test func `a rate is waited for until patience ends, without counting`() {
    var machine = BatchStateMachine()
    let row = FailureTable.row(for: Fault(.resourceExhausted, reason: "RATE_LIMITED", ""))
    var now: Int64 = 0
    var tries = 0
    while tries < 10_000 {
      _ = machine.handle(.call, at: now, name: "b")
      let action = machine.handle(.refused(row, retryAfterMs: 60_000), at: now, name: "b")
      if action == .settleExhausted(.rate) { break }
      guard case .waiting(let until) = machine.state else { return }
      #expect(until >= now + 60_000)
      now = until
      _ = machine.handle(.woke, at: now, name: "b")
      tries += 1
    }
    #expect(now > EngineLimits.patienceMs && tries > EngineLimits.transientRepeatsMax)
  }

  // MARK: - Stage

  @Test func `a stage answers each input in each state`() {
    let inputs: [StageStateMachine.Input] = [
      .probed(hasFailed: false), .probed(hasFailed: true), .activated, .unitFailed, .drained,
      .followed, .weighed(hasAnswered: true), .weighed(hasAnswered: false), .endKept,
    ]
    let stored: [StageState] = [
      .stagePending, .stageActive, .stageCompleted, .stagePartial, .stageFailed, .stageTimedOut,
      .stageCancelled, .stageSkipped,
    ]
    for isFailFast in [false, true] {
      for state in stored {
        var found = [StageStateMachine(index: 0, isFailFast: isFailFast, stored: state)]
        var place = 0
        while place < found.count {
          for input in inputs {
            var after = found[place]
            let action = after.handle(input)
            if case .failRun = action { #expect(isFailFast) }
            if found[place].state == .ended { #expect(action == .none && after == found[place]) }
            if action == .next { #expect(after.state == .ended) }
            if case .commit(let kept) = action {
              #expect(kept == .stageActive || found[place].state != .entering)
            }
            if !found.contains(after) { found.append(after) }
          }
          place += 1
        }
        #expect(found.contains { $0.state == .ended })
      }
    }
  }
}

extension FailureTable.Row {
  static let transient = FailureTable.row(
    for: Fault(.unavailable, reason: "PROVIDER_UNAVAILABLE", ""))
}
