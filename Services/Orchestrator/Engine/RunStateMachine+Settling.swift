import Faults
import GatewayContract
import ScoreContract

extension RunStateMachine {
  // MARK: - Answers of the gateway

  mutating func called(_ batch: String, _ response: GenerateResponse) {
    guard let open = window?.batches[batch], feed(batch, .answered) == .settleReply else { return }
    let reply = ModelReply(model: response.model, text: response.text, finish: response.finish)
    let outcomes =
      response.finish == .refusal
      ? [] : task.workload.read(reply, for: open.batch, of: task.spec)
    let settlement = ladder.settle(open.batch, reply: response, outcomes: outcomes)
    gate.settle(
      names.callKey(of: open.batch), costNanos: response.usage?.costNanos ?? 0)
    settle(batch, settlement)
  }

  mutating func called(_ id: String, refusedWith fault: Fault) {
    guard let batch = window?.batches[id]?.batch else { return }
    let row = FailureTable.row(for: fault)
    let key = names.callKey(of: batch)
    switch feed(id, .refused(row, retryAfterMs: fault.retryAfter?.milliseconds ?? 0)) {
    case .leave: gate.release(key)
    case .stopRun(let action):
      gate.release(key)
      if action == .fatal { stopNotes = [Note(fault: fault)] }
      stopForShortage(action)
    case .settleLost:
      let usage = lostUsage(of: batch, fault)
      gate.settle(key, costNanos: usage.costNanos)
      settle(id, ladder.lose(batch, usage: usage))
    case .settleSplit(let reason):
      gate.release(key)
      let failure = Failure(reason: reason, detail: Note(fault: fault).text)
      settle(id, ladder.split(batch, failure: failure, attempt: ladder.errored(batch, failure)))
    case .settleExhausted(let reason):
      let failure = Failure(reason: reason, detail: Note(fault: fault).text)
      var settlement = ladder.exhaust(batch, failure: failure)
      if window?.batches[id]?.machine.isAmbiguous ?? false {
        // It may have been paid: the books say so, and the gate.
        let usage = lostUsage(of: batch, fault)
        gate.settle(key, costNanos: usage.costNanos)
        settlement.attempt?.state = .attemptLost
        settlement.attempt?.usage = usage
      }
      gate.release(key)
      settle(id, settlement)
    case .none, .recall, .call, .settleReply: break
    }
  }

  /// The bound of a call that nobody knows the end of: as the gateway charged it, or as rendered.
  private func lostUsage(of batch: Batch, _ fault: Fault) -> Usage {
    let charged = fault.facts["cost_nanos"].flatMap { Int64($0) }
    let bound = try? task.workload.render(batch, of: task.spec).cost.mostNanos
    return Usage(costNanos: max(0, charged ?? bound ?? 0), completeness: .uncertain)
  }

  /// A batch that the codec cannot put into a call.
  mutating func settleUnrenderable(_ batch: Batch, _ fault: Fault) {
    guard feed(batch.id, .call) == .call else { return }
    let row = FailureTable.Row(.split, .invalid)
    guard case .settleSplit = feed(batch.id, .refused(row, retryAfterMs: 0)) else { return }
    let failure = Failure(reason: .invalid, detail: Note(fault: fault).text)
    settle(batch.id, ladder.split(batch, failure: failure, attempt: nil))
  }

  // MARK: - Into Store

  private mutating func settle(_ batch: String, _ settlement: Settlement) {
    commit("settle/\(batch)", settlement.facts, .settled(batch: batch, settlement))
  }

  /// Only now it is true: the children may be asked, the stage hears of a failure.
  mutating func settled(_ batch: String, _ settlement: Settlement) {
    window?.replace(batch, with: settlement.children)
    if settlement.hasFailedUnit { unitFailed() }
  }

  /// Store takes no such verdict: the units fail, and what was paid is kept in the books.
  mutating func settleRefused(_ id: String, _ refused: Settlement, _ fault: Fault) {
    guard let batch = window?.batches[id]?.batch else { return }
    let detail = "The store refuses what was made of the answer: \(Note(fault: fault).text)"
    var failure = Failure(reason: .internal, detail: detail)
    failure.detail = String(failure.detail.prefix(EngineLimits.detailBytesMax))
    var settlement = ladder.exhaust(batch, failure: failure)
    settlement.attempt = refused.attempt
    guard settlement != refused else { return reload() }
    settle(id, settlement)
  }

  // MARK: - Followers

  /// Units whose key another unit of the run has: they get its verdict, and are never asked.
  mutating func progressFollowing(_ stage: StageStateMachine) {
    guard stepAsk == nil, stop == nil else { return }
    guard window?.hasFollowers ?? false else {
      return followed()
    }
    if followers.isEmpty { return read(.follow, [.open], stage: stage.index) }
    let keys = Set(followers.map(\.unitKey)).sorted()
    stepAsk = ask(.lookUp(keys)) { .lookUp(ask: $0, keys: keys) }
  }

  private mutating func followed() {
    act(on: stage?.handle(.followed))
  }

  mutating func followersRead(_ units: [Unit]) {
    followers = Array(units.prefix(planning.lookupMax))
    if units.isEmpty { followed() }
  }

  mutating func followersLookedUp(_ verdicts: [Verdict]) {
    let since = run.options?.force ?? false ? run.createdAtUs : .min
    var known: [String: String] = [:]
    for verdict in verdicts where verdict.runId == run.id || verdict.committedAtUs >= since {
      known[verdict.unitKey] = verdict.id
    }
    let changes = followers.map { unit in
      if let verdict = known[unit.unitKey] {
        return UnitChange(
          unitId: unit.id, state: .skipped, skipReason: .cached, verdictId: verdict)
      }
      let failure = Failure(
        reason: .missing, detail: "The unit with the same key has no verdict.", isRetryable: true)
      return UnitChange(
        unitId: unit.id, state: .unitFailed, failure: failure,
        batch: RunNames.failedID(of: RunNames.followerBatch, generation: run.generation))
    }
    let first = followers.first?.ordinal ?? 0
    cursor = followers.last?.ordinal ?? cursor
    followers = []
    let hasFailed = changes.contains { $0.state == .unitFailed }
    stepAsk = commit(
      "follow/\(first)", changes.map { Fact(kind: .unit($0)) }, .followed(hasFailed: hasFailed))
  }
}

extension BatchLadder {
  /// A call that ended with an error and cost nothing.
  func errored(_ batch: Batch, _ failure: Failure) -> AttemptChange {
    AttemptChange(
      callKey: names.callKey(of: batch), batch: batch.id, state: .errored, failure: failure,
      units: UInt32(batch.units.count))
  }
}

extension Duration {
  var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
