import ScoreContract

// What a verdict may say. Absent is not 0 is not false: a value is whole or it is refused.
extension RequestCheck {
  mutating func verdict(_ verdict: Verdict, of change: UnitChange, in runID: String) {
    name(verdict.id, "unit.verdict.id")
    expect(verdict.runId.isEmpty || verdict.runId == runID, "unit.verdict.run_id", "is another run")
    expect(
      verdict.unitId.isEmpty || verdict.unitId == change.unitId, "unit.verdict.unit_id",
      "is another unit")
    optionalName(verdict.unitKey, "unit.verdict.unit_key")
    subject(verdict.subject, "unit.verdict.subject")
    optionalName(verdict.rubricHash, "unit.verdict.rubric_hash")
    optionalName(verdict.model, "unit.verdict.model")
    value(verdict.value, "unit.verdict.value")
    text(verdict.reasoning, "unit.verdict.reasoning", bytesMax: StoreLimits.reasoningBytesMax)
    confidence(verdict.confidence, "unit.verdict.confidence")
    names(verdict.flags, "unit.verdict.flags", countMax: StoreLimits.flagsMax)
    names(verdict.callKeys, "unit.verdict.call_keys", countMax: StoreLimits.callKeysMax)
    optionalName(verdict.supersedes, "unit.verdict.supersedes")
    json(verdict.detail, "unit.verdict.detail", countMax: StoreLimits.detailBytesMax)
  }

  /// A value that is there must be one; whether it must be there is the caller's to say.
  mutating func value(_ value: Value?, _ field: StaticString) {
    guard let value else { return }
    switch value.kind {
    case .none: refuse(field, "is of no kind")
    case .number(let number): self.number(number, on: value.scale, field)
    case .truth(let truth):
      expect([.true, .false, .unknown].contains(truth), field, "is no truth value")
    case .label(let label): name(label, field)
    case .labels(let labels): names(labels.names, field, countMax: StoreLimits.labelsMax)
    case .text(let text): self.text(text, field, bytesMax: StoreLimits.reasoningBytesMax)
    case .object(let object):
      expect(!object.isEmpty, field, "is not JSON")
      json(object, field, countMax: StoreLimits.detailBytesMax)
    }
    if value.scale != nil, !value.isNumber { refuse(field, "has a scale and is no number") }
  }

  private mutating func number(_ number: Double, on scale: Scale?, _ field: StaticString) {
    expect(number.isFinite, field, "is not finite")
    guard let scale else { return }
    guard scale.least.isFinite, scale.most.isFinite, scale.step.isFinite,
      scale.least <= scale.most, scale.step >= 0
    else { return refuse(field, "has a scale that is none") }
    expect(
      (scale.least...scale.most).contains(number), field, "is not on its scale")
  }

  private mutating func confidence(_ confidence: Confidence?, _ field: StaticString) {
    guard let confidence else { return }
    expect((0...1).contains(confidence.probability), field, "is not between 0 and 1")
    if case .unrecognized = confidence.kind { refuse(field, "is of an unknown kind") }
  }

  mutating func subject(_ subject: SubjectRef?, _ field: StaticString) {
    guard let subject else { return }
    name(subject.kind, field)
    name(subject.id, field)
    optionalName(subject.contentHash, field)
  }

  mutating func names(_ names: [String], _ field: StaticString, countMax: Int) {
    guard names.count <= countMax else { return refuse(field, "has more than \(countMax)") }
    for name in names { self.name(name, field) }
  }

  mutating func failure(_ failure: Failure?, _ field: StaticString) {
    guard let failure else { return }
    switch failure.reason {
    case .unspecified, .unrecognized: refuse(field, "has no known reason")
    default: break
    }
    text(failure.detail, field, bytesMax: StoreLimits.noteBytesMax)
  }

  mutating func usage(_ usage: Usage?, _ field: StaticString) {
    guard let usage else { return }
    for number in [
      usage.inputTokens, usage.outputTokens, usage.cacheReadTokens, usage.cacheWriteTokens,
      usage.reasoningTokens, usage.costNanos,
    ] {
      count(number, field)
    }
    if case .unrecognized = usage.completeness { refuse(field, "is of unknown completeness") }
    optionalName(usage.priceVersion, field)
  }
}

extension Value {
  fileprivate var isNumber: Bool {
    if case .number = kind { true } else { false }
  }

  /// What verdicts are sorted by; nothing but a number has a score.
  package var score: Double? {
    if case .number(let number) = kind { number } else { nil }
  }
}
