package import Faults
package import ScoreContract
package import StoreContract

// Requests that make no sense, whatever the store holds.
extension CreateRunRequest {
  package func check() throws(Fault) {
    var check = RequestCheck()
    check.name(runId, "run_id")
    check.name(workload, "workload")
    check.bytes(spec, "spec", countMax: StoreLimits.specBytesMax)
    check.name(specHash, "spec_hash")
    check.optionalName(idempotencyKey, "idempotency_key")
    if let options {
      for number in [options.budgetCapNanos, options.timeoutMs, options.approvalAboveNanos] {
        check.count(number, "options")
      }
      for shortage in [options.onBudget, options.onQuota] {
        if case .unrecognized = shortage { check.refuse("options", "have an unknown choice") }
      }
    }
    try check.finish()
  }
}

extension RequestOfRunRequest {
  package func check() throws(Fault) {
    var check = RequestCheck()
    check.name(runId, "run_id")
    check.count(budgetCapNanos, "budget_cap_nanos")
    let isResume = request == .resume
    check.expect(isResume || budgetCapNanos == 0, "budget_cap_nanos", "belongs to RESUME")
    check.expect(isResume || !retryFailed, "retry_failed", "belongs to RESUME")
    switch request {
    case .unspecified, .unrecognized: check.refuse("request", "is nothing one can ask of a run")
    default: break
    }
    try check.finish()
  }
}

extension Rubric {
  package func check() throws(Fault) {
    var check = RequestCheck()
    check.name(hash, "rubric.hash")
    check.name(name, "rubric.name")
    check.json(body, "rubric.body", countMax: StoreLimits.rubricBytesMax)
    try check.finish()
  }
}

extension Label {
  package static func check(_ labels: [Label]) throws(Fault) {
    var check = RequestCheck()
    check.expect(
      (1...StoreLimits.labelsPerCallMax).contains(labels.count), "labels",
      "are not between 1 and \(StoreLimits.labelsPerCallMax)")
    for label in labels {
      check.name(label.id, "labels.id")
      check.expect(label.subject != nil, "labels.subject", "is missing")
      check.subject(label.subject, "labels.subject")
      check.name(label.rubricName, "labels.rubric_name")
      check.name(label.rater, "labels.rater")
      check.expect(label.value != nil, "labels.value", "is missing")
      check.value(label.value, "labels.value")
      check.text(label.note, "labels.note", bytesMax: StoreLimits.noteBytesMax)
      check.expect(label.createdAtUs >= 0, "labels.created_at_us", "is before 1970")
    }
    try check.finish()
  }

  /// The same judgement, whenever it was put.
  package func says(theSameAs other: Label) -> Bool {
    var mine = self
    mine.createdAtUs = other.createdAtUs
    return mine == other
  }
}

extension Rubric {
  /// The same rubric, whenever it was put.
  package func says(theSameAs other: Rubric) -> Bool {
    hash == other.hash && name == other.name && version == other.version && body == other.body
  }
}

extension ListRunsRequest {
  package func check() throws(Fault) {
    var check = RequestCheck()
    check.expect(states.allSatisfy(\.isKnown), "states", "name an unknown state")
    check.optionalName(workload, "workload")
    try check.finish()
  }
}

extension ReadUnitsRequest {
  package func check() throws(Fault) {
    var check = RequestCheck()
    check.name(runId, "run_id")
    let known: [UnitState] = [.open, .succeeded, .unitFailed, .undetermined, .skipped]
    check.expect(states.allSatisfy(known.contains), "states", "name an unknown state")
    try check.finish()
    if afterOrdinal < -1 {
      throw Fault(
        .outOfRange, reason: "BAD_CURSOR", "Ordinals begin at 0; -1 is before the first.")
    }
  }
}

extension QueryVerdictsRequest {
  package func check() throws(Fault) {
    var check = RequestCheck()
    for (text, field): (String, StaticString) in [
      (runId, "run_id"), (subjectKind, "subject_kind"), (rubricHash, "rubric_hash"),
      (model, "model"),
    ] {
      check.optionalName(text, field)
    }
    if case .unrecognized = order { check.refuse("order", "is no order") }
    check.expect(scoreLeast?.isNaN != true, "score_least", "is no number")
    check.expect(scoreMost?.isNaN != true, "score_most", "is no number")
    try check.finish()
  }

  /// The question of its pages' cursors.
  package var question: PageCursor.Question {
    switch order {
    case .newest, .unrecognized: .newest
    case .oldest: .oldest
    case .highest: .highest
    case .lowest: .lowest
    }
  }
}

extension LatestVerdictsRequest {
  package func check() throws(Fault) {
    var check = RequestCheck()
    check.name(subjectKind, "subject_kind")
    check.names(subjectIds, "subject_ids", countMax: StoreLimits.lookupKeysMax)
    check.optionalName(rubricHash, "rubric_hash")
    try check.finish()
  }
}

extension VerdictHistoryRequest {
  package func check() throws(Fault) {
    var check = RequestCheck()
    check.name(subjectKind, "subject_kind")
    check.name(subjectId, "subject_id")
    check.optionalName(rubricHash, "rubric_hash")
    try check.finish()
  }
}

extension ListLabelsRequest {
  package func check() throws(Fault) {
    var check = RequestCheck()
    check.optionalName(rubricName, "rubric_name")
    check.optionalName(subjectKind, "subject_kind")
    check.optionalName(subjectId, "subject_id")
    try check.finish()
  }
}

extension RequestCheck {
  /// Unit keys to look up.
  package static func unitKeys(_ keys: [String]) throws(Fault) {
    var check = RequestCheck()
    check.names(keys, "unit_keys", countMax: StoreLimits.lookupKeysMax)
    try check.finish()
  }

  /// The one name of a short question; an id that cannot exist is refused before the search.
  package static func named(_ name: String, _ field: StaticString) throws(Fault) {
    var check = RequestCheck()
    check.name(name, field)
    try check.finish()
  }

  /// A lease's name and its holder's session.
  package static func lease(_ name: String, session: String) throws(Fault) {
    var check = RequestCheck()
    check.name(name, "name")
    check.name(session, "session")
    try check.finish()
  }
}

extension Verdict {
  /// What it takes on a page, roughly.
  package var pageBytes: Int { 512 + reasoning.utf8.count + detail.count }
}

extension Unit {
  /// What it takes on a page, roughly.
  package var pageBytes: Int { 512 + payload.count }
}
