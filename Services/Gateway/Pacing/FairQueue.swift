/// The calls that wait for one provider bucket, in the order in which it would be fair to let
/// them go. Whether a call may go is not known here.
///
/// Two priorities; in each, products by what they were given in tokens divided by their weight
/// (`virtual time`, the deficit of deficit round robin, without its rounds); in a product its
/// runs by the same rule; in a run first come, first served. Whoever was away begins at the
/// time of those who stayed: an absence earns nothing. Batch calls get at least every
/// `batchEvery`th grant, and every `agedBatchEvery`th when one has waited `batchPatience`.
package struct FairQueue: Sendable {
  package struct Policy: Sendable, Equatable {
    package var batchEvery: Int
    package var agedBatchEvery: Int
    package var batchPatience: Duration

    package init(
      batchEvery: Int = 8, agedBatchEvery: Int = 2, batchPatience: Duration = .seconds(10)
    ) {
      self.batchEvery = max(1, batchEvery)
      self.agedBatchEvery = max(1, agedBatchEvery)
      self.batchPatience = batchPatience
    }
  }

  /// One waiting call; `lane` sets calls apart that have different ways to leave.
  package struct Ask: Sendable, Equatable {
    package var id: UInt64
    package var product: Int
    package var lane: UInt64
    package var run: String
    package var priority: CallPriority
    package var tokens: Int64
    package var since: MonotonicInstant

    package init(
      id: UInt64, product: Int, lane: UInt64 = 0, run: String = "",
      priority: CallPriority = .batch, tokens: Int64, since: MonotonicInstant
    ) {
      self.id = id
      self.product = product
      self.lane = lane
      self.run = run
      self.priority = priority
      self.tokens = tokens
      self.since = since
    }
  }

  /// What waits ahead of a newcomer, at most.
  package struct Ahead: Sendable, Equatable {
    package var calls: Int
    package var tokens: Int64
  }

  /// Where a call waits.
  package struct Slot: Sendable, Equatable {
    let priority: CallPriority
    let place: Int
  }

  package var policy: Policy
  private var interactive = FairClass()
  private var batch = FairClass()
  private var grantsSinceBatch = 0
  private var order: UInt64 = 0

  package init(_ policy: Policy = Policy()) { self.policy = policy }

  package var count: Int { interactive.count + batch.count }
  package var isEmpty: Bool { count == 0 }

  /// Puts a call in its place; the slot takes it out again.
  package mutating func push(_ ask: Ask) -> Slot {
    order += 1
    return Slot(priority: ask.priority, place: self[ask.priority].push(ask, order: order))
  }

  package func ask(at slot: Slot) -> Ask? { self[slot.priority].ask(at: slot.place) }

  /// Whether others of its lane are looked at only when this call is gone.
  package func isCandidate(_ slot: Slot) -> Bool { self[slot.priority].isCandidate(slot.place) }

  /// Takes a call out that will not go: nothing of it stays.
  package mutating func remove(_ slot: Slot) { self[slot.priority].remove(slot.place) }

  /// Takes a call out that goes, and charges its product and its run.
  package mutating func grant(_ slot: Slot) {
    guard let ask = ask(at: slot) else { return }
    order += 1
    self[slot.priority].chargeRun(of: slot.place, order: order)
    remove(slot)
    charge(ask.product, ask.priority, tokens: ask.tokens)
  }

  /// Charges a product for a call that did not have to wait.
  package mutating func charge(_ product: Int, _ priority: CallPriority, tokens: Int64) {
    order += 1
    self[priority].charge(product, tokens: tokens, order: order)
    // Turns are counted only where there is somebody to take turns with.
    grantsSinceBatch = priority == .batch || batch.count == 0 ? 0 : grantsSinceBatch + 1
  }

  /// Takes, or gives back, what a call used more, or less, than it was charged for.
  package mutating func correct(_ product: Int, _ priority: CallPriority, by tokens: Int64) {
    order += 1
    self[priority].correct(product, by: tokens, order: order)
  }

  package mutating func setWeight(_ weight: Int, of product: Int) {
    interactive.setWeight(weight, of: product)
    batch.setWeight(weight, of: product)
  }

  /// Whether a batch call goes before every interactive one now.
  package func isBatchTurn(at now: MonotonicInstant) -> Bool {
    guard batch.count > 0 else { return false }
    guard interactive.count > 0 else { return true }
    let isAged = batch.oldestSince.map { $0 + policy.batchPatience <= now } ?? false
    return grantsSinceBatch + 1 >= (isAged ? policy.agedBatchEvery : policy.batchEvery)
  }

  /// The call that would be fair to let go first.
  package func first(at now: MonotonicInstant) -> Slot? {
    let isBatchFirst = isBatchTurn(at: now)
    return candidate(isBatchFirst ? .batch : .interactive, line: 0, lane: 0).head
      ?? candidate(isBatchFirst ? .interactive : .batch, line: 0, lane: 0).head
  }

  // MARK: - Candidates, in fair order

  package func lineCount(_ priority: CallPriority) -> Int { self[priority].active.count }

  package func laneCount(_ priority: CallPriority, line: Int) -> Int {
    self[priority].laneCount(at: line)
  }

  /// Of one lane of one product: whose turn it is, and the smallest call.
  package func candidate(_ priority: CallPriority, line: Int, lane: Int) -> (
    head: Slot?, smallest: Slot?
  ) {
    let (head, smallest) = self[priority].candidate(line: line, lane: lane)
    return (
      head.map { Slot(priority: priority, place: $0) },
      smallest.map { Slot(priority: priority, place: $0) }
    )
  }

  /// What would go before another call of this product, if all that wait could go.
  package func ahead(of product: Int, _ priority: CallPriority) -> Ahead {
    let own = self[priority].ahead(of: product)
    guard priority == .batch else { return own }
    // Interactive calls go first, but for the turns of batch.
    let turns = (own.calls + 1) * (policy.batchEvery - 1)
    let before = min(interactive.count, turns)
    let part = Double(before) / Double(max(1, interactive.count))
    let tokens = Int64((Double(interactive.tokens) * part).rounded(.up))
    return Ahead(calls: own.calls + before, tokens: own.tokens + tokens)
  }

  /// All that wait, oldest first, interactive before batch.
  package var waiting: [UInt64] { interactive.waiting + batch.waiting }

  private subscript(priority: CallPriority) -> FairClass {
    _read {
      if priority == .interactive { yield interactive } else { yield batch }
    }
    _modify {
      if priority == .interactive { yield &interactive } else { yield &batch }
    }
  }
}

/// Somebody is waiting for an interactive call.
package enum CallPriority: Sendable, Equatable, CaseIterable {
  case interactive
  case batch
}
