import Faults
import GatewayContract
import ScoreContract

extension RunStateMachine {
  var width: Int {
    let asked = Int(run.options?.width ?? 0)
    return min(EngineLimits.widthMax, max(1, asked == 0 ? widthDefault : asked))
  }

  mutating func beginRunning(isFresh: Bool) {
    if isFresh { setDeadline(ranForMs: 0) }
    if isFresh || !mustRecover { enterStage(from: 0) } else { beginRecovering() }
  }

  // MARK: - What an earlier owner left

  mutating func beginRecovering() {
    phase = .recovering
    stage = nil
    openWindow(0)
  }

  private mutating func openWindow(_ index: Int) {
    guard let walk, index < walk.plan.stages.count else { return window = nil }
    window = DispatchWindow(
      stage: index, capacity: EngineLimits.familiesPerCall * width,
      unitsMax: walk.plan.stages[index].batching.unitsMax)
  }

  /// Asks the gateway about each batch of the first window, filled to the brim: any call in
  /// flight is one of them.
  mutating func progressRecovering() {
    if stop == .handBack { return end(with: .release) }
    guard pageAsk == nil, let window else {
      if self.window == nil { recovered() }
      return
    }
    if window.isDrained {
      openWindow(window.stage + 1)
      progressRecovering()
    } else if window.hasRoom {
      readWindow(window)
    } else if mustRecover {
      mustRecover = false
      for id in window.order where feed(id, .recall) == .recall { sendRecall(id) }
    } else if !window.isRecalling || isOutOfPatience {
      recovered()
    }
  }

  private mutating func recovered() {
    mustRecover = false
    enterStage(from: 0)
  }

  private var isOutOfPatience: Bool {
    stop != nil && now >= stoppedAt + EngineLimits.stopPatienceMs
  }

  private mutating func readWindow(_ window: DispatchWindow) {
    let query = UnitsQuery(
      after: window.after, states: [.open], stage: UInt32(window.stage), limit: window.pageLimit)
    pageAsk = ask(.read(.window)) { .readUnits(ask: $0, query) }
  }

  // MARK: - Stages

  /// Enters the first stage that has not ended for good; behind the last, the run ends.
  mutating func enterStage(from index: Int) {
    phase = .running
    stage = nil
    guard let walk else { return }
    var index = index
    while index < walk.plan.stages.count {
      let state = index < stages.count ? stages[index].state : .stagePending
      guard state == .stageCompleted || state == .stageSkipped else { break }
      index += 1
    }
    guard index < walk.plan.stages.count else { return }
    let state = index < stages.count ? stages[index].state : .stagePending
    stage = StageStateMachine(
      index: index, isFailFast: walk.plan.stages[index].isFailFast, stored: state)
    guard stop == nil else { return }
    cursor = -1
    if hasFailedUnit {
      read(.probe, [.unitFailed], stage: index, limit: 1)
    } else {
      stageProbed(hasFailed: false)
    }
  }

  mutating func stageProbed(hasFailed: Bool) {
    act(on: stage?.handle(.probed(hasFailed: hasFailed)))
  }

  mutating func stageWeighed(hasAnswered: Bool) {
    act(on: stage?.handle(.weighed(hasAnswered: hasAnswered)))
  }

  mutating func unitFailed() {
    hasFailedUnit = true
    act(on: stage?.handle(.unitFailed))
  }

  mutating func stageKept(_ changed: Stage) {
    let place = Int(changed.index)
    if place < stages.count { stages[place] = changed } else { stages.append(changed) }
    act(on: stage?.handle(changed.state == .stageActive ? .activated : .endKept))
  }

  mutating func act(on action: StageStateMachine.Action?) {
    guard let action, let stage, let walk else { return }
    switch action {
    case .none: break
    case .commit(let state):
      let changed = Stage(
        index: UInt32(stage.index), name: walk.plan.stages[stage.index].name, state: state,
        isFailFast: stage.isFailFast, reason: state == .stageActive ? "" : reason(of: state))
      let what = "stage/\(stage.index)/\(state == .stageActive ? "active" : "end")"
      stepAsk = commit(what, [Fact(kind: .stage(StageChange(stage: changed)))], .stage(changed))
    case .ask:
      // What an earlier owner left in this stage is in the window already.
      if window?.stage != stage.index || window?.batches.isEmpty ?? true {
        openWindow(stage.index)
      }
    case .follow: cursor = -1
    case .weigh:
      cursor = -1
      read(
        .weigh, [.succeeded, .undetermined, .skipped], stage: stage.index, limit: 1)
    case .failRun: stopRun(.stageFailed)
    case .next: enterStage(from: stage.index + 1)
    }
  }

  private func reason(of state: StageState) -> String {
    state == .stageCompleted ? "" : "units_failed"
  }

  // MARK: - Dispatch

  mutating func progressRunning() {
    if stop == nil, let deadline, now >= deadline { stopRun(.timedOut) }
    wakeBatches()
    guard stop == nil else { return progressStop() }
    guard let stage else {
      phase = .ending
      stepAsk = ask(.run) { .readRun(ask: $0) }
      return
    }
    switch stage.state {
    case .asking: progressAsking()
    case .following: progressFollowing(stage)
    default: break
    }
    if stop != nil { progressStop() }
  }

  private mutating func progressAsking() {
    guard let window else { return }
    if pageAsk == nil, window.wantsPage { readWindow(window) }
    dispatch(owedOnly: false)
    guard stop == nil, pageAsk == nil, self.window?.isDrained ?? false else { return }
    act(on: stage?.handle(.drained))
    if let stage, stage.state == .following { progressFollowing(stage) }
  }

  /// Calls ready batches while there are slots and budget.
  mutating func dispatch(owedOnly: Bool) {
    while let open = nextToCall(owedOnly: owedOnly) {
      let key = names.callKey(of: open.batch)
      let rendered: ModelCall
      do throws(Fault) {
        rendered = try task.workload.render(open.batch, of: task.spec)
      } catch {
        settleUnrenderable(open.batch, error)
        continue
      }
      if !open.machine.isOwed {
        guard gate.hold(rendered.cost.mostNanos, for: key) else {
          if window?.isBusy == false { stopForShortage(.budget) }
          return
        }
      }
      guard feed(open.batch.id, .call) == .call else { return }
      var request = GenerateRequest(rendered, callKey: key, runID: names.runID)
      // What was asked for again is not to be answered with what was not good enough before.
      if open.batch.isAskedAgain {
        var policy = request.policy ?? CallPolicy()
        policy.cache = .refresh
        request.policy = policy
      }
      ask(.call(open.batch.id)) { .call(ask: $0, request) }
    }
  }

  /// Lends no copy of the window to whoever changes it next: a copy would be made of all of it.
  private func nextToCall(owedOnly: Bool) -> OpenBatch? {
    guard let window, window.callCount < width else { return nil }
    return window.nextReady(owedOnly: owedOnly)
  }

  mutating func feed(
    _ batch: String, _ input: BatchStateMachine.Input
  ) -> BatchStateMachine.Action {
    window?.feed(batch, input, at: now) ?? .none
  }

  func callKey(of batch: String) -> String {
    window?.batches[batch].map { names.callKey(of: $0.batch) } ?? ""
  }

  private mutating func wakeBatches() {
    guard let window, let due = window.wakesAt, due <= now else { return }
    for id in window.order where feed(id, .woke) == .recall { sendRecall(id) }
  }

  mutating func sendRecall(_ batch: String) {
    let key = callKey(of: batch)
    ask(.recall(batch)) { .recall(ask: $0, callKey: key) }
  }

  /// What the gateway knows of a call; nil when it does not say.
  mutating func recalled(_ batch: String, _ response: GetCallResponse?) {
    let key = callKey(of: batch)
    _ = feed(batch, .recalled(response?.state ?? .unknownCall))
    guard let open = window?.batches[batch] else { return }
    guard open.machine.isOwed else { return gate.release(key) }
    let paid = response?.state == .settled ? response?.response?.usage?.costNanos : nil
    let bound = try? task.workload.render(open.batch, of: task.spec).cost.mostNanos
    gate.take(paid ?? bound ?? 0, for: key)
  }
}

extension GenerateRequest {
  init(_ call: ModelCall, callKey: String, runID: String) {
    self.init(
      callKey: callKey, runId: runID, model: call.model, blocks: call.blocks,
      output: call.output, outputTokensMax: UInt32(clamping: call.outputTokensMax),
      temperature: call.temperature,
      policy: call.prefixReuses > 0
        ? CallPolicy(prefixReuses: UInt32(clamping: call.prefixReuses)) : nil)
  }
}
