import Faults
import GatewayContract
import RunEngine
import ScoreContract

/// One owner, a store in memory and a model that answers at once: for tests of one thing at a
/// time. Actions are done in the order they were wished for.
final class EngineHarness {
  let store: SimulatedStore
  let task: RunTask
  private(set) var machine: RunStateMachine
  private(set) var now: Int64 = 0
  private(set) var calls: [GenerateRequest] = []
  private(set) var recalls: [String] = []
  private(set) var commits: [RunCommit] = []
  private(set) var unitsHeldMax = 0
  private(set) var callsAtOnceMax = 0
  private var waiting: [RunAction] = []
  private var wakeAt: Int64?
  private var token: UInt64 = 0
  private(set) var isReleased = false
  /// What the gateway says; nil: what the scripted model says.
  var gateway: (GenerateRequest) -> Result<GenerateResponse, Fault>? = { _ in nil }
  var known: (String) -> GetCallResponse = { _ in GetCallResponse(state: .unknownCall) }
  /// What the store refuses with instead of doing it.
  var storeFault: (RunAction) -> Fault? = { _ in nil }
  /// Calls are kept until `answerCalls`.
  var holdsCalls = false
  private var heldCalls: [RunAction] = []

  init(
    _ texts: [String], options: RunOptions = RunOptions(),
    workload: ScriptedWorkload = ScriptedWorkload(), store known: SimulatedStore? = nil,
    width: Int = 4
  ) {
    var plan = SimulationPlan(seed: 1)
    plan.options = options
    task = RunTask(workload: workload, spec: ScriptedWorkload.spec(texts, options: options))
    machine = RunStateMachine(task, widthDefault: width)
    store = known ?? SimulatedStore(bug: nil, ttl: .max / 4)
    if known == nil { store.create(plan, at: 0) }
  }

  var run: Run { store.run()?.run ?? Run() }
  var units: [Unit] { store.allUnits() }

  /// Takes the run over and goes on until there is nothing to do.
  ///
  /// `toldBefore`: asked after the run was read, and told before it is ours.
  func own(ranForMs: Int64 = 0, steps: Int = .max, toldBefore request: RunRequest? = nil) {
    let session = "h\(token)"
    _ = store.renew(session, isNew: true, at: now)
    store.forgetOwner()
    token = store.acquire(session, at: now) ?? 0
    machine = RunStateMachine(task, widthDefault: 4)
    isReleased = false
    wakeAt = nil
    waiting = []
    heldCalls = []
    if let known = store.run() {
      if let request {
        store.ask(request, at: now)
        feed(.requested(request))
      }
      feed(.gained(RunOwnership(run: known.run, stages: known.stages, ranForMs: ranForMs)))
    }
    work(steps: steps)
  }

  func feed(_ input: RunInput) {
    for action in machine.handle(input, at: now) {
      if case .wake(let time) = action { wakeAt = time } else { waiting.append(action) }
    }
    if let window = machine.window {
      unitsHeldMax = max(
        unitsHeldMax, window.batches.values.reduce(0) { $0 + $1.batch.units.count })
      callsAtOnceMax = max(callsAtOnceMax, window.callCount)
    }
  }

  /// Does what was wished for, and lets time pass when nothing else is left.
  func work(steps: Int = .max) {
    var left = steps
    while left > 0, !isReleased {
      left -= 1
      if waiting.isEmpty {
        guard let time = wakeAt, heldCalls.isEmpty else { return }
        wakeAt = nil
        now = max(now, time)
        feed(.woke)
      } else {
        perform(waiting.removeFirst())
      }
    }
  }

  /// Answers what was kept, in an order of one's own.
  func answerCalls(andWork: Bool = true, _ reorder: (inout [RunAction]) -> Void = { _ in }) {
    var calls = heldCalls
    heldCalls = []
    reorder(&calls)
    for call in calls { answer(call) }
    if andWork { work() }
  }

  func ask(_ request: RunRequest, cap: Int64 = 0) {
    store.ask(request, cap: cap, at: now)
    feed(.requested(request))
    work()
  }

  func advance(_ milliseconds: Int64) {
    now += milliseconds
    feed(.woke)
    work()
  }

  func resume(retryFailed: Bool) {
    store.ask(.resume, retryFailed: retryFailed, at: now)
  }

  /// Loses the lease; what the machine wishes for then.
  func lose() -> [RunAction] {
    machine.handle(.leaseLost, at: now).filter { $0 != .wake(at: nil) }
  }

  /// What the machine makes of all that was asked, answered too late.
  func lateAnswers() -> [RunAction] {
    var actions: [RunAction] = []
    for ask in waiting.compactMap(\.ask) {
      let late: [RunInput] = [
        .committed(ask: ask, CommitOutcome(lastSeq: 1, isReplay: false)),
        .unitsRead(ask: ask, [], isLast: true), .lookedUp(ask: ask, []),
        .called(ask: ask, GenerateResponse()), .refused(ask: ask, .away("store")),
      ]
      for input in late { actions += machine.handle(input, at: now) }
    }
    return actions
  }

  private func perform(_ action: RunAction) {
    if let fault = storeFault(action), let ask = action.ask {
      return feed(.refused(ask: ask, fault))
    }
    switch action {
    case .commit(let ask, let commit):
      commits.append(commit)
      feed(store.commit(commit, token, at: now).input(ask) { .committed(ask: ask, $0) })
    case .readUnits(let ask, let query):
      feed(store.units(query).input(ask) { .unitsRead(ask: ask, $0.units, isLast: $0.isLast) })
    case .readRun(let ask):
      feed(.runRead(ask: ask, run, store.run()?.stages ?? []))
    case .lookUp(let ask, let keys):
      feed(store.verdicts(keys).input(ask) { .lookedUp(ask: ask, $0) })
    case .call(_, let request):
      calls.append(request)
      if holdsCalls { heldCalls.append(action) } else { answer(action) }
    case .recall(let ask, let key):
      recalls.append(key)
      feed(.recalled(ask: ask, known(key)))
    case .settleSoon: feed(.settle)
    case .wake(let time): wakeAt = time
    case .dropAsks: heldCalls = []
    case .release: isReleased = true
    }
  }

  private func answer(_ action: RunAction) {
    guard case .call(let ask, let request) = action else { return }
    if let given = gateway(request) { return feed(given.input(ask) { .called(ask: ask, $0) }) }
    switch ScriptedModel.answer(request) {
    case .reply(let response): feed(.called(ask: ask, response))
    case .fault(let fault): feed(.refused(ask: ask, fault))
    }
  }
}

extension RunAction {
  var ask: Int? {
    switch self {
    case .commit(let ask, _), .readUnits(let ask, _), .readRun(let ask), .lookUp(let ask, _),
      .call(let ask, _), .recall(let ask, _):
      ask
    case .settleSoon, .wake, .dropAsks, .release: nil
    }
  }
}
