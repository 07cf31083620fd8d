import Faults
import GatewayContract
import ScoreContract

/// An answer that is paid and not yet settled.
struct Landed: Sendable {
  let batch: Batch
  let response: GenerateResponse
}

/// What a commit says of one batch.
struct SettledBatch: Sendable, Equatable {
  let id: String
  let settlement: Settlement
}

extension RunStateMachine {
  // MARK: - Answers of the gateway

  /// Only the slot and the money are accounted for at once: the next call need not wait until this
  /// answer is read and kept, and answers that come together are kept together.
  mutating func called(_ batch: String, _ response: GenerateResponse) {
    guard let open = window?.batches[batch]?.batch, feed(batch, .answered) == .settleReply
    else { return }
    gate.settle(names.callKey(of: open), costNanos: response.usage?.costNanos ?? 0)
    if landed.isEmpty { actions.append(.settleSoon) }
    landed.append(Landed(batch: open, response: response))
  }

  /// Keeps what was answered, in the order of the answers, in as few commits as there may be.
  mutating func settleLanded() {
    var together: [SettledBatch] = []
    var bytes = 0
    for answer in landed {
      let size = answer.response.text.utf8.count
      let isFull =
        together.count == EngineLimits.settledTogetherMax
        || bytes + size > EngineLimits.settledBytesMax
      if isFull, !together.isEmpty {
        settle(together)
        together = []
        bytes = 0
      }
      together.append(SettledBatch(id: answer.batch.id, settlement: settlement(of: answer)))
      bytes += size
    }
    landed = []
    if !together.isEmpty { settle(together) }
  }

  private func settlement(of answer: Landed) -> Settlement {
    let response = answer.response
    let reply = ModelReply(model: response.model, text: response.text, finish: response.finish)
    let outcomes =
      response.finish == .refusal
      ? [] : task.workload.read(reply, for: answer.batch, of: task.spec)
    return ladder.settle(answer.batch, reply: response, outcomes: outcomes)
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
    settle([SettledBatch(id: batch, settlement: settlement)])
  }

  /// Named after all it settles: another owner, or we after a reload, may settle them together with
  /// others, which is another commit. Of the two that hold a batch Store takes only one.
  private mutating func settle(_ batches: [SettledBatch]) {
    let name = batches.map(\.id).joined(separator: "+")
    commit("settle/\(name)", batches.flatMap(\.settlement.facts), .settled(batches))
  }

  /// Only now it is true: the children may be asked, the stage hears of a failure.
  mutating func settled(_ batches: [SettledBatch]) {
    for batch in batches { window?.replace(batch.id, with: batch.settlement.children) }
    if batches.contains(where: \.settlement.hasFailedUnit) { unitFailed() }
  }

  /// Store takes none of it for what one of them says: each is on its own now.
  mutating func settleRefused(_ batches: [SettledBatch], _ fault: Fault) {
    if batches.count == 1 {
      settleRefused(batches[0].id, batches[0].settlement, fault)
    } else {
      for batch in batches { settle(batch.id, batch.settlement) }
    }
  }

  /// Store takes no such verdict: the units fail, and what was paid is kept in the books.
  private mutating func settleRefused(_ id: String, _ refused: Settlement, _ fault: Fault) {
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
