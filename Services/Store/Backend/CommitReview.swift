package import Faults
package import ScoreContract

/// What a review asks a backend about the run, and about all runs of its product.
package protocol CommitGround {
  mutating func unit(_ id: String) throws(Fault) -> UnitHead?
  mutating func stages() throws(Fault) -> [Stage]
  /// May say so of a call that is settled, when writing it would then refuse the whole commit.
  mutating func isNewAttempt(_ callKey: String) throws(Fault) -> Bool
  /// The same of a verdict's id.
  mutating func isNewVerdict(_ id: String) throws(Fault) -> Bool
  mutating func hasVerdict(_ id: String) throws(Fault) -> Bool
}

/// What a fact makes of the tables, beside its line in the log.
package enum FactEffect: Sendable, Equatable {
  /// All there is to it stands in the run's head.
  case none
  case stage(Stage)
  case planned([Unit])
  /// Its verdict, when it got one, stands in the event.
  case unit(UnitHead)
  case attempt(AttemptChange)
}

/// Decides upon a commit before anything is written: all of its facts hold together, or the
/// first that does not refuses them all.
package struct CommitReview {
  /// The run after the facts.
  package private(set) var head: RunHead
  /// One a fact, in order.
  package private(set) var events: [Event] = []
  package private(set) var effects: [FactEffect] = []

  private let runID: String
  private let now: Int64
  /// No later fact can meet what this one did.
  private var isAlone = false
  // What earlier facts of this commit did, which the backend does not know yet.
  private var units: [String: UnitHead] = [:]
  private var stages: [Stage]?
  private var callKeys: Set<String> = []
  private var verdictIDs: Set<String> = []

  package init(_ head: RunHead, runID: String, atMicroseconds now: Int64) {
    self.head = head
    self.runID = runID
    self.now = now
  }

  /// Takes all facts in; what they are checked against comes from `ground`.
  package mutating func take(
    _ facts: [Fact], on ground: inout some CommitGround
  ) throws(Fault) {
    isAlone = facts.count == 1
    events.reserveCapacity(facts.count)
    effects.reserveCapacity(facts.count)
    for fact in facts {
      if head.state.isEnded {
        guard case .run = fact.kind else { throw .runEnded(head.state) }
      }
      try take(fact, on: &ground)
    }
  }

  private mutating func take(_ fact: Fact, on ground: inout some CommitGround) throws(Fault) {
    switch fact.kind {
    case .run(let change):
      try RunRules.apply(change, to: &head)
      log(.run(logged(change)), .none)
    case .stage(let change):
      let stage = change.stage ?? Stage()
      try take(stage, on: &ground)
      log(.stage(change), .stage(stage))
    case .planned(let planned): try take(planned.units, on: &ground)
    case .unit(let change): try take(change, on: &ground)
    case .attempt(let change):
      let isNew = try ground.isNewAttempt(change.callKey)
      guard isNew, isAlone || callKeys.insert(change.callKey).inserted else {
        throw Fault(
          .alreadyExists, reason: "ATTEMPT_EXISTS",
          "The call '\(change.callKey)' is settled already.", facts: ["call": change.callKey])
      }
      head.totals.count(change)
      log(.attempt(change), .attempt(change))
    case .note(let note): log(.note(note), .none)
    case .none: break
    }
  }

  private func logged(_ change: RunChange) -> RunChange {
    var change = change
    change.totals = head.totals
    return change
  }

  private mutating func log(_ kind: Fact.Kind, _ effect: FactEffect) {
    head.lastSeq += 1
    events.append(Event(seq: head.lastSeq, atUs: now, fact: Fact(kind: kind)))
    effects.append(effect)
  }

  // MARK: - Stages and units

  private mutating func take(_ stage: Stage, on ground: inout some CommitGround) throws(Fault) {
    var stages: [Stage]
    if let known = self.stages { stages = known } else { stages = try ground.stages() }
    let place = Int(stage.index)
    let known = place < stages.count ? stages[place] : nil
    try UnitRules.check(stage, against: known, count: UInt32(stages.count))
    if known == nil { stages.append(stage) } else { stages[place] = stage }
    self.stages = stages
  }

  private mutating func take(_ planned: [Unit], on ground: inout some CommitGround) throws(Fault) {
    let first = head.totals.planned
    guard let ordinal = planned.first?.ordinal, ordinal == first else {
      throw Fault(
        .failedPrecondition, reason: "UNIT_ORDER", "The next unit of the plan is \(first).",
        facts: ["next_ordinal": String(first)])
    }
    var fresh: [Unit] = []
    fresh.reserveCapacity(planned.count)
    for var unit in planned {
      if try self.unit(unit.id, on: &ground) != nil {
        throw Fault(
          .alreadyExists, reason: "UNIT_EXISTS", "Unit '\(unit.id)' is planned already.",
          facts: ["unit": unit.id])
      }
      unit.state = .open
      // Its key is made when it is written; until then its place in the plan is one.
      var head = UnitHead(key: -1 - unit.ordinal, state: .open)
      head.batch = unit.batch
      units[unit.id] = head
      fresh.append(unit)
    }
    head.totals.planned += Int64(fresh.count)
    let line = UnitsPlanned(firstOrdinal: first, count: Int64(fresh.count))
    log(.planned(line), .planned(fresh))
  }

  private mutating func take(
    _ change: UnitChange, on ground: inout some CommitGround
  ) throws(Fault) {
    guard let unit = try unit(change.unitId, on: &ground) else {
      throw .unknownUnit(change.unitId)
    }
    let after = try UnitRules.applying(change, to: unit)
    var change = change
    if var verdict = change.verdict {
      try checkIsNew(verdict, on: &ground)
      verdict.runId = runID
      verdict.unitId = change.unitId
      verdict.committedAtUs = now
      change.verdict = verdict
    }
    if !change.verdictId.isEmpty { try checkIsKnown(change.verdictId, on: &ground) }
    head.totals.count(unit.state, by: -1)
    head.totals.count(after.state, by: 1)
    if !isAlone { units[change.unitId] = after }
    log(.unit(change), .unit(after))
  }

  private func unit(_ id: String, on ground: inout some CommitGround) throws(Fault) -> UnitHead? {
    if let known = units[id] { return known }
    return try ground.unit(id)
  }

  private mutating func checkIsNew(
    _ verdict: Verdict, on ground: inout some CommitGround
  ) throws(Fault) {
    let isNew = try ground.isNewVerdict(verdict.id)
    guard isNew, isAlone || verdictIDs.insert(verdict.id).inserted else {
      throw Fault(
        .alreadyExists, reason: "VERDICT_EXISTS", "A verdict is called '\(verdict.id)' already.",
        facts: ["verdict": verdict.id])
    }
    if !verdict.supersedes.isEmpty { try checkIsKnown(verdict.supersedes, on: &ground) }
  }

  private func checkIsKnown(_ id: String, on ground: inout some CommitGround) throws(Fault) {
    if verdictIDs.contains(id) { return }
    guard try ground.hasVerdict(id) else { throw .unknownVerdict(id) }
  }
}

extension Event {
  /// The verdict that a unit got with it.
  package var verdict: Verdict? {
    if case .unit(let change) = fact?.kind { change.verdict } else { nil }
  }
}
