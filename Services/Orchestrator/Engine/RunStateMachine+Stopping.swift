import ScoreContract

/// What is missing at the end, and whether anything is there.
struct Survey: Sendable {
  var missing = WorkPrice()
  var hasCached = false
}

extension RunStateMachine {
  /// No further call is made but those that are owed. The first cause stands, except that an end
  /// comes before a pause.
  mutating func stopRun(_ cause: StopCause) {
    if let stop, stop.isEnd || !cause.isEnd { return }
    if phase == .closing || phase == .surveying || phase == .ending { return }
    if stop == nil { stoppedAt = now }
    stop = cause
  }

  mutating func stopForShortage(_ action: FailureTable.Action) {
    switch action {
    case .budget: stopRun(.shortage(run.options?.onBudget ?? .pauseRun, reason: "budget"))
    case .quota: stopRun(.shortage(run.options?.onQuota ?? .pauseRun, reason: "quota"))
    default: stopRun(.end(.failed, reason: "authorization"))
    }
  }

  /// Whether a phase without calls must not go on.
  mutating func stopsHere() -> Bool {
    guard let stop else { return false }
    finishStop(stop)
    return true
  }

  /// Settles what is in flight, finds out what may be paid, then stops.
  mutating func progressStop() {
    guard let stop else { return }
    for id in window?.order ?? [] {
      switch feed(id, .stop) {
      case .recall: sendRecall(id)
      case .leave: gate.release(callKey(of: id))
      default: break
      }
    }
    dispatch(owedOnly: true)
    announceEnd(stop)
    guard stepAsk == nil, !isHeldUp(stop) else { return }
    finishStop(stop)
  }

  /// Says at once that the run ends; its units follow when nothing is in flight.
  private mutating func announceEnd(_ stop: StopCause) {
    guard case .end(_, let reason) = stop, run.state == .running, stepAsk == nil else { return }
    stepAsk = commit("closing", closingFacts(reason), .stopping)
  }

  private func closingFacts(_ reason: String) -> [Fact] {
    stopNotes.map { Fact(kind: .note($0)) }
      + [Fact(kind: .run(RunChange(state: .cancelling, reason: reason)))]
  }

  private func isHeldUp(_ stop: StopCause) -> Bool {
    guard let window else { return false }
    let mustWait = window.batches.contains {
      $0.value.machine.state == .calling || $0.value.machine.state == .settling
    }
    if mustWait || stop == .handBack { return mustWait }
    return window.isBusy && now < stoppedAt + EngineLimits.stopPatienceMs
  }

  private mutating func finishStop(_ stop: StopCause) {
    switch stop {
    case .handBack: end(with: .release)
    case .pause(let reason): commitRun("pause", .paused, reason: reason, .paused)
    case .end: beginClosing(stop)
    }
  }

  // MARK: - Units that will not be asked

  mutating func beginClosing(_ cause: StopCause) {
    phase = .closing
    stop = cause
    window = nil
    landed = []
    pageAsk = nil
    cursor = -1
    survey = Survey()
  }

  mutating func progressClosing() {
    guard stepAsk == nil, case .end(_, let reason) = stop else { return }
    guard run.state == .cancelling else {
      stepAsk = commit("closing", closingFacts(reason), .stopping)
      return
    }
    read(.close, [.open])
  }

  mutating func closePage(_ units: [Unit], isLast: Bool) {
    guard let first = units.first, let last = units.last, let stop else { return beginSurvey() }
    let facts = units.map { unit in
      Fact(
        kind: .unit(UnitChange(unitId: unit.id, state: .skipped, skipReason: stop.skipReason)))
    }
    stepAsk = commit("close/\(first.ordinal)", facts, .closed(last: last.ordinal, isLast: isLast))
  }

  mutating func beginSurvey() {
    phase = .surveying
    cursor = -1
    survey = Survey()
  }

  mutating func progressSurvey() {
    guard stepAsk == nil else { return }
    read(.survey, [.skipped])
  }

  mutating func surveyed(_ units: [Unit], isLast: Bool) {
    survey.hasCached = survey.hasCached || units.contains { $0.skipReason == .cached }
    survey.missing.add(
      units.filter { $0.skipReason == .skippedBudget || $0.skipReason == .runEnded }, of: task)
    cursor = units.last?.ordinal ?? cursor
    guard isLast else { return }
    survey.missing.finish(task)
    phase = .ending
    stepAsk = ask(.run) { .readRun(ask: $0) }
  }

  // MARK: - The end

  /// The one terminal event of this generation, with the run as Store has just told it.
  mutating func commitEnd() {
    let (state, reason) = ending()
    let ending = RunEnding(
      state: state, reason: reason, totals: run.totals ?? RunTotals(), missing: survey.missing)
    let outcome = task.workload.aggregate(ending, of: task.spec)
    let change = RunChange(state: state, reason: reason, outcome: outcome)
    stepAsk = commit(
      "end", stageEndings(reason) + [Fact(kind: .run(change))], .ended)
  }

  private func ending() -> (RunState, String) {
    let totals = run.totals ?? RunTotals()
    let answered = totals.succeeded + totals.undetermined
    guard case .end(let state, let reason) = stop else {
      if totals.failed == 0 { return (.completed, "") }
      return (answered + totals.skipped > 0 ? .partial : .failed, "units_failed")
    }
    guard state == .partial else { return (state, reason) }
    return (answered > 0 || survey.hasCached ? .partial : .failed, reason)
  }

  private func stageEndings(_ reason: String) -> [Fact] {
    guard let stop else { return [] }
    return stages.compactMap { stage in
      guard stage.state == .stageActive || stage.state == .stagePending else { return nil }
      var ended = stage
      ended.state = stage.state == .stageActive ? stop.stageState : .stageCancelled
      ended.reason = reason
      return Fact(kind: .stage(StageChange(stage: ended)))
    }
  }
}
