import Faults
import ScoreContract
import StoreBackend
import StoreContract
import Testing

@Suite struct RunRulesTests {
  private static let states: [RunState] = [
    .pending, .planning, .awaitingApproval, .running, .paused, .cancelling, .completed, .partial,
    .failed, .timedOut, .cancelled,
  ]
  private static let ends: Set<RunState> = [.partial, .failed, .timedOut, .cancelled]

  /// Where each state leads without a request.
  private static let next: [RunState: Set<RunState>] = [
    .pending: ends.union([.planning, .cancelling]),
    .planning: ends.union([.awaitingApproval, .running, .completed, .cancelling]),
    .awaitingApproval: ends.union([.cancelling]),
    .running: ends.union([.paused, .completed, .cancelling]),
    .paused: ends.union([.cancelling]),
    .cancelling: ends,
  ]

  private func head(_ state: RunState, _ requested: RunRequest = .unspecified) -> RunHead {
    var head = RunHead(state: state, options: RunOptions())
    head.requested = requested
    return head
  }

  @Test(arguments: states, states)
  func `a run goes where its state leads`(_ from: RunState, _ to: RunState) {
    var head = head(from)
    let reason = reason { () throws(Fault) in
      try RunRules.apply(RunChange(state: to), to: &head)
    }
    if Self.next[from]?.contains(to) == true {
      #expect(reason == nil && head.state == to && head.generation == 0)
    } else {
      #expect(reason == (from.isEnded ? "RUN_ENDED" : "RUN_STATE") && head.state == from)
    }
  }

  @Test(arguments: states)
  func `a requested resume leads what ended or paused back to running`(_ from: RunState) {
    var head = head(from, .resume)
    let reason = reason { () throws(Fault) in
      try RunRules.apply(RunChange(state: .running), to: &head)
    }
    let isResumable = Self.ends.contains(from) || from == .paused
    let wasOnItsWay = from == .planning
    #expect((reason == nil) == (isResumable || wasOnItsWay))
    if isResumable { #expect(head.generation == 1 && head.requested == .unspecified) }
  }

  @Test func `approval leads on only when it was requested`() throws {
    var waiting = head(.awaitingApproval)
    let change = RunChange(state: .running)
    #expect(
      reason { () throws(Fault) in try RunRules.apply(change, to: &waiting) } == "RUN_STATE")
    var approved = head(.awaitingApproval, .approve)
    try RunRules.apply(change, to: &approved)
    #expect(approved.requested == .unspecified && approved.generation == 0)
  }

  @Test(arguments: [
    (RunRequest.pause, RunState.awaitingApproval, true), (.pause, .paused, true),
    (.pause, .completed, true), (.cancel, .paused, false), (.cancel, .cancelling, true),
    (.cancel, .failed, true), (.resume, .running, true), (.approve, .running, true),
    (.approve, .cancelled, true),
  ])
  func `a request is answered by the state that fits it`(
    _ request: RunRequest, _ state: RunState, _ isAnswered: Bool
  ) {
    #expect(request.isAnswered(by: state) == isAnswered)
  }

  @Test(arguments: states, [RunRequest.approve, .pause, .resume, .cancel])
  func `only what makes sense can be requested`(_ state: RunState, _ request: RunRequest) {
    var head = head(state)
    let reason = reason { () throws(Fault) in
      _ = try RunRules.apply(RequestOfRunRequest(request: request), to: &head)
    }
    let makesSense =
      switch request {
      case .approve: state == .awaitingApproval
      case .pause: [.pending, .planning, .running, .paused].contains(state)
      case .resume: Self.ends.contains(state) || state == .paused
      default: !state.isEnded
      }
    #expect(reason == (makesSense ? nil : "RUN_STATE"))
  }

  /// As whoever lost the answer asks.
  @Test func `what a run has done already may be asked once more`() throws {
    var paused = head(.paused)
    #expect(try !RunRules.apply(RequestOfRunRequest(request: .pause), to: &paused))
    #expect(paused.requested == .unspecified)
    // It is on its way back: to pause it now would be another wish.
    var resuming = head(.paused, .resume)
    #expect(
      reason { () throws(Fault) in
        _ = try RunRules.apply(RequestOfRunRequest(request: .pause), to: &resuming)
      } == "RUN_STATE")
    var resumed = head(.running)
    resumed.generation = 1
    resumed.options.budgetCapNanos = 5
    #expect(try !RunRules.apply(RequestOfRunRequest(request: .resume), to: &resumed))
    let raised = RequestOfRunRequest(request: .resume, budgetCapNanos: 6)
    #expect(
      reason { () throws(Fault) in _ = try RunRules.apply(raised, to: &resumed) } == "RUN_STATE")
  }

  @Test func `a run with open units is not completed`() {
    var head = head(.running)
    head.totals.planned = 2
    head.totals.succeeded = 1
    let complete = RunChange(state: .completed)
    #expect(reason { () throws(Fault) in try RunRules.apply(complete, to: &head) } == "UNITS_OPEN")
    head.totals.skipped = 1
    #expect(reason { () throws(Fault) in try RunRules.apply(complete, to: &head) } == nil)
  }

  @Test func `sums stay at their greatest number`() {
    var totals = RunTotals(costNanos: .max - 1)
    totals.count(AttemptChange(state: .attemptLost, usage: Usage(costNanos: 5)))
    #expect(totals.costNanos == .max && totals.lostAttempts == 1 && totals.attempts == 1)
  }

  @Test func `a pause is answered by whatever waits or ends, and by nothing else`() {
    let answers: Set<RunState> = ends(with: [.paused, .awaitingApproval, .cancelling, .completed])
    for state in Self.states {
      #expect(RunRequest.pause.isAnswered(by: state) == answers.contains(state), "\(state)")
    }
  }

  private func ends(with further: Set<RunState>) -> Set<RunState> { Self.ends.union(further) }
}
