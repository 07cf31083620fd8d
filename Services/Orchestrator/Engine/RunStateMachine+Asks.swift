import Faults
import ScoreContract

/// What waits for an answer, and what the answer is for.
struct Ask: Sendable {
  let kind: AskKind
  let action: RunAction
  var tries = 1
}

enum AskKind: Sendable, Equatable {
  case commit(CommitPurpose)
  case read(ReadPurpose)
  case run
  /// What is asked of the run.
  case request
  case lookUp([String])
  /// Of a batch.
  case call(String)
  case recall(String)
}

enum CommitPurpose: Sendable, Equatable {
  case begun
  case planned(PlanPage)
  case ready(RunState)
  case resumed
  case reopened(last: Int64, isLast: Bool)
  case stage(Stage)
  case settled([SettledBatch])
  case followed(hasFailed: Bool)
  case paused
  case stopping
  case closed(last: Int64, isLast: Bool)
  case ended
}

enum ReadPurpose: Sendable, Equatable {
  case price
  case reopen
  case probe
  case weigh
  case window
  case follow
  case close
  case survey
}

extension RunStateMachine {
  /// Sends an action that is answered, now or later.
  @discardableResult
  mutating func ask(
    _ kind: AskKind, after delay: Int64 = 0, _ action: (Int) -> RunAction
  ) -> Int {
    let number = nextAsk
    nextAsk += 1
    let ask = Ask(kind: kind, action: action(number))
    if delay > 0 { delayed[number] = now + delay } else { actions.append(ask.action) }
    asks[number] = ask
    return number
  }

  /// The ask that an answer is for; nil when it was answered, or dropped.
  mutating func close(_ number: Int) -> Ask? {
    if stepAsk == number { stepAsk = nil }
    if pageAsk == number { pageAsk = nil }
    delayed[number] = nil
    return asks.removeValue(forKey: number)
  }

  @discardableResult
  mutating func commit(_ what: String, _ facts: [Fact], _ purpose: CommitPurpose) -> Int {
    let commit = RunCommit(
      id: names.commitID(what, generation: run.generation), facts: facts)
    return ask(.commit(purpose)) { .commit(ask: $0, commit) }
  }

  /// Reads a page as the step of the phase.
  mutating func read(
    _ purpose: ReadPurpose, _ states: [UnitState], stage: Int? = nil,
    limit: Int = EngineLimits.pageUnitsMax
  ) {
    let query = UnitsQuery(
      after: cursor, states: states, stage: stage.map { UInt32($0) }, limit: limit)
    stepAsk = ask(.read(purpose)) { .readUnits(ask: $0, query) }
  }

  /// Sends again what was refused and has waited.
  mutating func sendAgain() {
    guard !delayed.isEmpty else { return }
    for (number, due) in delayed.sorted(by: { $0.key < $1.key }) where due <= now {
      delayed[number] = nil
      if let action = asks[number]?.action { actions.append(action) }
    }
  }

  mutating func scheduleWake() {
    var earliest: Int64?
    func consider(_ time: Int64?) {
      if let time { earliest = min(time, earliest ?? time) }
    }
    if phase != .over {
      for due in delayed.values { consider(due) }
      if phase == .running {
        consider(window?.wakesAt)
        if stop == nil { consider(deadline) }
      }
      if phase == .running || phase == .recovering, stop != nil {
        let patience = stoppedAt + EngineLimits.stopPatienceMs
        if patience > now { consider(patience) }
      }
    }
    guard earliest != wakeAt else { return }
    wakeAt = earliest
    actions.append(.wake(at: earliest))
  }

  // MARK: - Refusals

  mutating func refused(_ number: Int, _ fault: Fault) {
    guard delayed[number] == nil, let ask = asks[number] else { return }
    switch ask.kind {
    case .call(let batch):
      _ = close(number)
      called(batch, refusedWith: fault)
    case .commit(let purpose): commitRefused(number, purpose, fault)
    case .recall where [.unimplemented, .permissionDenied, .notFound].contains(fault.code):
      _ = close(number)
      if case .recall(let batch) = ask.kind { recalled(batch, nil) }
    case .lookUp(let keys) where fault.reason == "ANSWER_TOO_LARGE" && keys.count > 1:
      _ = close(number)
      planning.lookupMax = max(1, keys.count / 2)
      followers = []
    case .run where fault.code == .notFound: end(with: .release)
    case .read, .run, .request, .lookUp, .recall: askAgain(number)
    }
  }

  private mutating func commitRefused(
    _ number: Int, _ purpose: CommitPurpose, _ fault: Fault
  ) {
    guard fault.reason != "LEASE_LOST" else { return end(with: .dropAsks) }
    switch fault.code {
    case .unavailable, .deadlineExceeded, .aborted, .cancelled, .resourceExhausted, .internal,
      .unknown, .dataLoss, .unauthenticated, .permissionDenied, .unimplemented:
      return askAgain(number)
    case .invalidArgument, .outOfRange, .alreadyExists, .failedPrecondition, .notFound:
      break
    }
    let isMalformed = fault.code == .invalidArgument || fault.reason == "UNIT_EXISTS"
    switch purpose {
    case .settled(let batches) where isMalformed:
      _ = close(number)
      settleRefused(batches, fault)
    case .begun where isMalformed, .planned where isMalformed:
      _ = close(number)
      stopNotes = [Note(fault: fault)]
      beginClosing(.end(.failed, reason: "plan"))
    default: reload()
    }
  }

  private mutating func askAgain(_ number: Int) {
    guard var ask = asks[number] else { return }
    let delay = Backoff.delayMs(
      try: ask.tries, of: "\(names.runID)/\(number)", first: EngineLimits.askAgainFirstMs,
      most: EngineLimits.askAgainMostMs)
    ask.tries += 1
    asks[number] = ask
    delayed[number] = now + delay
  }

  // MARK: - Commits that hold

  mutating func committed(_ purpose: CommitPurpose) {
    switch purpose {
    case .begun:
      run.state = .planning
    case .planned(let page):
      planning.pager?.accept(page)
      planning.draft = nil
    case .ready(let state):
      run.state = state
      state == .running ? beginRunning(isFresh: true) : reload()
    case .resumed, .paused:
      // The generation, the options and what else is asked are Store's to say.
      purpose == .paused ? end(with: .release) : reload()
    case .reopened(let last, let isLast):
      cursor = last
      if isLast { beginRunning(isFresh: false) }
    case .stage(let changed): stageKept(changed)
    case .settled(let batches): settled(batches)
    case .followed(let hasFailed):
      if hasFailed { unitFailed() }
    case .stopping:
      run.state = .cancelling
    case .closed(let last, let isLast):
      cursor = last
      if isLast { beginSurvey() }
    case .ended: end(with: .release)
    }
  }

  /// Changes the run's state and nothing else, as the step of the phase.
  mutating func commitRun(
    _ what: String, _ state: RunState, reason: String, _ purpose: CommitPurpose
  ) {
    let change = RunChange(state: state, reason: reason)
    stepAsk = commit(what, [Fact(kind: .run(change))], purpose)
    phase = .loading
  }

  mutating func pageRead(_ purpose: ReadPurpose, _ units: [Unit], isLast: Bool) {
    switch purpose {
    case .price: priced(units, isLast: isLast)
    case .reopen: reopen(units, isLast: isLast)
    case .probe: stageProbed(hasFailed: !units.isEmpty)
    case .weigh: stageWeighed(hasAnswered: !units.isEmpty)
    case .window: window?.take(units, isLast: isLast)
    case .follow: followersRead(units)
    case .close: closePage(units, isLast: isLast)
    case .survey: surveyed(units, isLast: isLast)
    }
  }
}
