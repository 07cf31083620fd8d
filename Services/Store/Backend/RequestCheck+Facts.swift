import ScoreContract

// Facts that make no sense, whatever the state of their run.
extension RequestCheck {
  mutating func fact(_ fact: Fact, in runID: String) {
    switch fact.kind {
    case .none: refuse("kind", "is missing, or unknown to this store")
    case .run(let change): run(change)
    case .stage(let change): stage(change.stage)
    case .planned(let planned): units(planned.units)
    case .unit(let change): unit(change, in: runID)
    case .attempt(let change): attempt(change)
    case .note(let note):
      name(note.code, "note.code")
      text(note.text, "note.text", bytesMax: StoreLimits.noteBytesMax)
    }
  }

  private mutating func run(_ change: RunChange) {
    expect(change.state.isKnown, "run.state", "is no state of a run")
    optionalName(change.reason, "run.reason")
    expect(change.requested == .unspecified, "run.requested", "is set by requests alone")
    expect(change.budgetCapNanos == 0, "run.budget_cap_nanos", "is set by requests alone")
    expect(
      change.outcome.isEmpty || change.state.isEnded, "run.outcome", "belongs to an ended state")
    json(change.outcome, "run.outcome", countMax: StoreLimits.outcomeBytesMax)
  }

  private mutating func stage(_ stage: Stage?) {
    guard let stage else { return refuse("stage", "is missing") }
    name(stage.name, "stage.name")
    optionalName(stage.reason, "stage.reason")
    expect(stage.index < StoreLimits.stagesMax, "stage.index", "is too high")
    expect(stage.state.isKnown, "stage.state", "is no state of a stage")
  }

  private mutating func units(_ units: [Unit]) {
    expect(!units.isEmpty, "planned.units", "is empty")
    for unit in units {
      name(unit.id, "planned.units.id")
      expect(unit.stage < StoreLimits.stagesMax, "planned.units.stage", "is too high")
      optionalName(unit.unitKey, "planned.units.unit_key")
      subject(unit.subject, "planned.units.subject")
      optionalName(unit.rubricHash, "planned.units.rubric_hash")
      optionalName(unit.group, "planned.units.group")
      optionalName(unit.batch, "planned.units.batch")
      bytes(unit.payload, "planned.units.payload", countMax: StoreLimits.payloadBytesMax)
      let isFresh =
        (unit.state == .open || unit.state == .unspecified) && unit.skipReason == .unspecified
        && unit.failure == nil && unit.verdictId.isEmpty && unit.tries == 0
      expect(isFresh, "planned.units.state", "is not that of a unit before its first call")
    }
    for (index, unit) in units.enumerated() where unit.ordinal != units[0].ordinal &+ Int64(index) {
      return refuse("planned.units.ordinal", "leaves a gap")
    }
  }

  private mutating func unit(_ change: UnitChange, in runID: String) {
    name(change.unitId, "unit.unit_id")
    optionalName(change.verdictId, "unit.verdict_id")
    optionalName(change.batch, "unit.batch")
    failure(change.failure, "unit.failure")
    if let verdict = change.verdict { self.verdict(verdict, of: change, in: runID) }
    switch change.state {
    case .open:
      expect(change.verdict == nil, "unit.verdict", "belongs to an answered unit")
    case .succeeded:
      expect(change.failure == nil, "unit.failure", "belongs to a unit that failed")
    case .undetermined: break
    case .unitFailed:
      expect(change.failure != nil, "unit.failure", "is missing")
      expect(change.verdict == nil, "unit.verdict", "belongs to an answered unit")
    case .skipped:
      expect(change.failure == nil, "unit.failure", "belongs to a unit that failed")
      expect(change.verdict == nil, "unit.verdict", "belongs to an answered unit")
    case .unspecified, .unrecognized: refuse("unit.state", "is no state of a unit")
    }
    skip(change)
  }

  private mutating func skip(_ change: UnitChange) {
    switch change.skipReason {
    case .unspecified:
      expect(change.state != .skipped, "unit.skip_reason", "is missing")
    case .unrecognized: refuse("unit.skip_reason", "is no reason to skip")
    default:
      expect(change.state == .skipped, "unit.skip_reason", "belongs to a skipped unit")
    }
    expect(
      change.verdictId.isEmpty == (change.skipReason != .cached), "unit.verdict_id",
      "belongs to a cached unit, and only there")
  }

  private mutating func attempt(_ change: AttemptChange) {
    name(change.callKey, "attempt.call_key")
    optionalName(change.batch, "attempt.batch")
    optionalName(change.model, "attempt.model")
    usage(change.usage, "attempt.usage")
    failure(change.failure, "attempt.failure")
    switch change.state {
    case .settled, .errored, .attemptLost: break
    case .unspecified, .unrecognized: refuse("attempt.state", "is no state of an attempt")
    }
  }
}
