import Faults
import GatewayContract
package import ScoreContract

/// A run in the hands of one owner, from the moment the lease is gained until it is given back.
///
/// It takes inputs and answers with actions; time comes with each input, in milliseconds that
/// never go back. What it knows is what Store has acknowledged; when that is in doubt it reads
/// the run anew. A machine is used for one ownership.
package struct RunStateMachine: Sendable {
  /// Where the run stands for its owner.
  package enum Phase: Sendable, Equatable {
    case idle
    /// The run is read again.
    case loading
    case planning
    /// The expected cost of all open units is added up, for an approval.
    case pricing
    /// Units that had ended are opened again, after a resume.
    case reopening
    /// The gateway is asked which calls of an earlier owner it knows.
    case recovering
    case running
    /// Open units are skipped, page by page.
    case closing
    /// What is missing, and its price.
    case surveying
    case ending
    /// Nothing can be done until something else is asked of the run.
    case holding
    case over
  }

  let task: RunTask
  let widthDefault: Int
  package internal(set) var phase = Phase.idle
  var names = RunNames(runID: "")
  var now: Int64 = 0
  var actions: [RunAction] = []

  /// The run as Store has acknowledged it.
  package internal(set) var run = Run()
  var stages: [Stage] = []
  var ladder = BatchLadder(names: RunNames(runID: ""), attemptsMax: 0)
  package internal(set) var gate = BudgetGate(capNanos: 0, spentNanos: 0)
  var walk: PlanWalk?
  var deadline: Int64?
  var reloads = 0
  /// Something was asked of the run before it was ours.
  var isRequestedEarly = false

  /// What waits for an answer.
  var asks: [Int: Ask] = [:]
  /// Asks that were refused, and when they are sent again: apart, since every input looks here.
  var delayed: [Int: Int64] = [:]
  var nextAsk = 1
  /// The one ask that the phase waits for.
  var stepAsk: Int?
  var wakeAt: Int64?

  var planning = Planning()
  /// Behind which ordinal the phase reads on.
  var cursor: Int64 = -1
  var survey = Survey()

  var stage: StageStateMachine?
  package internal(set) var window: DispatchWindow?
  var pageAsk: Int?
  /// What was answered, in its order, until it is settled: the next calls leave first.
  var landed: [Landed] = []
  /// A page of units that wait for the verdicts of others.
  var followers: [Unit] = []
  /// Calls of an earlier owner may be in flight.
  var mustRecover = false
  var hasFailedUnit = false
  package internal(set) var stop: StopCause?
  var stopNotes: [Note] = []
  var stoppedAt: Int64 = 0

  package init(_ task: RunTask, widthDefault: Int = EngineLimits.widthDefault) {
    self.task = task
    self.widthDefault = widthDefault
  }

  /// Takes an input in, at a time in milliseconds.
  package mutating func handle(_ input: RunInput, at time: Int64) -> [RunAction] {
    now = max(now, time)
    actions = []
    if phase != .over { take(input) }
    if phase != .over, phase != .idle {
      sendAgain()
      progress()
    }
    scheduleWake()
    defer { actions = [] }
    return actions
  }

  /// Whether the machine has nothing more to do, and never will.
  package var isOver: Bool { phase == .over }

  private mutating func take(_ input: RunInput) {
    switch input {
    case .gained(let ownership):
      guard phase == .idle else { return }
      begin(ownership.run, ownership.stages, ranForMs: ownership.ranForMs)
      if isRequestedEarly, phase != .over { confirmRequest() }
    case .leaseLost: end(with: .dropAsks)
    case .handBack: stopRun(.handBack)
    case .requested:
      switch phase {
      case .idle: isRequestedEarly = true
      case .holding: reload()
      default: confirmRequest()
      }
    // Whoever wakes us has spent its timer.
    case .woke: wakeAt = nil
    case .settle: settleLanded()
    case .committed(let ask, _):
      reloads = 0
      if case .commit(let purpose) = close(ask)?.kind { committed(purpose) }
    case .unitsRead(let ask, let units, let isLast):
      if case .read(let purpose) = close(ask)?.kind { pageRead(purpose, units, isLast: isLast) }
    case .runRead(let ask, let run, let stages):
      if let kind = close(ask)?.kind { runRead(kind, run, stages) }
    case .lookedUp(let ask, let verdicts):
      if case .lookUp(let keys) = close(ask)?.kind { lookedUp(keys, verdicts) }
    case .called(let ask, let response):
      if case .call(let batch) = close(ask)?.kind { called(batch, response) }
    case .recalled(let ask, let response):
      if case .recall(let batch) = close(ask)?.kind { recalled(batch, response) }
    case .refused(let ask, let fault): refused(ask, fault)
    }
  }

  /// Nothing more is done for this run.
  mutating func end(with action: RunAction) {
    guard phase != .over else { return }
    phase = .over
    asks = [:]
    delayed = [:]
    landed = []
    window = nil
    stepAsk = nil
    pageAsk = nil
    actions.append(action)
  }

  /// What Store has may differ from what we know: begin anew from there.
  mutating func reload() {
    reloads += 1
    asks = [:]
    delayed = [:]
    landed = []
    stepAsk = nil
    pageAsk = nil
    actions.removeAll()
    actions.append(.dropAsks)
    phase = .loading
    let delay = Backoff.delayMs(
      try: reloads, of: names.runID, first: EngineLimits.askAgainFirstMs,
      most: EngineLimits.askAgainMostMs)
    stepAsk = ask(.run, after: reloads > 1 ? delay : 0) { .readRun(ask: $0) }
  }

  /// Store alone knows what is asked: what we are told may be late, and answered long ago.
  private mutating func confirmRequest() { ask(.request) { .readRun(ask: $0) } }

  // MARK: - Where to begin

  private mutating func begin(_ run: Run, _ stages: [Stage], ranForMs: Int64) {
    let options = run.options ?? RunOptions()
    let totals = run.totals ?? RunTotals()
    self.run = run
    self.stages = stages
    names = RunNames(runID: run.id)
    ladder = BatchLadder(
      names: names, attemptsMax: options.attemptsMax, generation: run.generation)
    gate = BudgetGate(capNanos: options.budgetCapNanos, spentNanos: totals.costNanos)
    stage = nil
    window = nil
    stop = nil
    stopNotes = []
    followers = []
    hasFailedUnit = totals.failed > 0
    mustRecover = run.state == .running || run.state == .cancelling
    setDeadline(ranForMs: ranForMs)
    do throws(Fault) {
      walk = PlanWalk(try task.workload.plan(task.spec), limit: options.limit)
    } catch {
      walk = nil
      stopNotes = [Note(fault: error)]
    }
    enter()
  }

  mutating func setDeadline(ranForMs: Int64) {
    let timeout = run.options?.timeoutMs ?? 0
    deadline = timeout == 0 ? nil : now + max(0, timeout - max(0, ranForMs))
  }

  /// Enters the phase that the run's state asks for.
  mutating func enter() {
    guard let walk else { return enterUnplannable() }
    switch run.state {
    case .pending, .planning:
      beginPlanning(walk)
    case .awaitingApproval:
      switch run.requested {
      case .approve: commitRun("approve", .running, reason: "", .resumed)
      case .cancel: beginClosing(.cancelled)
      default: hold()
      }
    case .running:
      if run.totals?.planned ?? 0 < walk.count { beginPlanning(walk) } else { beginReopening() }
    case .cancelling:
      stopRun(StopCause(closing: run.reason))
      beginRecovering()
    case .paused where run.requested == .cancel:
      beginClosing(.cancelled)
    case .paused, .partial, .failed, .timedOut, .cancelled:
      if run.requested == .resume { resume() } else { hold() }
    case .completed, .unspecified, .unrecognized:
      hold()
    }
  }

  /// A requested RESUME: the run is RUNNING in its next generation.
  private mutating func resume() {
    commitRun("resume", .running, reason: "", .resumed)
  }

  /// The planner refuses the spec: the run fails, or stays as it ended.
  private mutating func enterUnplannable() {
    switch run.state {
    case .pending, .planning, .awaitingApproval, .running, .cancelling:
      beginClosing(.end(.failed, reason: "plan"))
    case .paused where run.requested != .unspecified:
      beginClosing(.end(.failed, reason: "plan"))
    default: hold()
    }
  }

  /// There is nothing to do: the run is given back, unless it would come right back for something
  /// that was asked and cannot be answered now.
  private mutating func hold() {
    if run.requested == .unspecified { end(with: .release) } else { phase = .holding }
  }

  private mutating func runRead(_ kind: AskKind, _ run: Run, _ stages: [Stage]) {
    if kind == .request { self.run.requested = run.requested }
    guard kind == .run else { return }
    if phase == .ending {
      self.run.totals = run.totals
      self.stages = stages
      return commitEnd()
    }
    // The time to end stands, unless it counts anew.
    let kept = run.generation == self.run.generation ? deadline : nil
    begin(run, stages, ranForMs: 0)
    deadline = kept ?? deadline
  }

  /// Steps of the phase, until it waits for something.
  private mutating func progress() {
    answerRequest()
    var before: Phase
    var stageBefore: StageStateMachine?
    repeat {
      before = phase
      stageBefore = stage
      step()
    } while phase != before || stage != stageBefore
  }

  private mutating func step() {
    switch phase {
    case .planning: progressPlanning()
    case .pricing: progressPricing()
    case .reopening: progressReopening()
    case .recovering: progressRecovering()
    case .running: progressRunning()
    case .closing: progressClosing()
    case .surveying: progressSurvey()
    case .idle, .loading, .ending, .holding, .over: break
    }
  }

  /// What is asked of a run that is being worked on.
  private mutating func answerRequest() {
    switch run.requested {
    case .cancel where phase != .loading && phase != .holding: stopRun(.cancelled)
    case .pause where run.state == .running: stopRun(.pause(reason: "operator"))
    default: break
    }
  }
}

extension Note {
  /// What a fault says, for people.
  init(fault: Fault) {
    let text = String(fault.message.prefix(EngineLimits.detailBytesMax))
    self.init(code: fault.reason.isEmpty ? fault.code.name : fault.reason, text: text)
  }
}
