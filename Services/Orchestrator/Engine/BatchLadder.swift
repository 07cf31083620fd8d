package import GatewayContract
package import ScoreContract

/// What an answer makes of a batch: its units' new states, and the batches that ask again.
///
/// Pure: the same answer settles the same batch alike in every process. A unit is asked at most
/// `attemptsMax` times, and besides once for each time its batch is split, which ends at one unit.
package struct BatchLadder: Sendable {
  package let names: RunNames
  package let attemptsMax: Int
  private let generation: UInt32

  package init(names: RunNames, attemptsMax: UInt32, generation: UInt32 = 0) {
    self.names = names
    self.generation = generation
    self.attemptsMax =
      attemptsMax == 0 ? EngineLimits.attemptsDefault : Int(min(attemptsMax, 1000))
  }

  /// Settles a batch that was answered.
  package func settle(
    _ batch: Batch, reply: GenerateResponse, outcomes: [UnitOutcome]
  ) -> Settlement {
    if reply.finish == .refusal {
      let failure = Failure(reason: .refused, detail: "The model refused.")
      return split(
        batch, failure: failure, attempt: attempt(batch, .settled, reply.usage, model: reply.model))
    }
    // An answer that does not speak of each unit speaks of none.
    let isWhole = outcomes.count == batch.units.count
    var result = Settlement(attempt(batch, .settled, reply.usage, model: reply.model))
    var again: [(unit: BatchUnit, failure: Failure)] = []
    for (index, unit) in batch.units.enumerated() {
      let outcome = isWhole ? BatchLadder.checked(outcomes[index]) : .unusable(.malformed)
      switch outcome {
      case .verdict(let draft):
        result.changes.append(change(unit, .succeeded, draft, of: batch, reply))
      case .undetermined(let draft):
        result.changes.append(change(unit, .undetermined, draft, of: batch, reply))
      case .failed(let failure):
        result.changes.append(failed(unit, failure, of: batch, isRetryable: false))
      case .unusable(let failure):
        again.append((unit, failure))
      }
    }
    askAgain(again, of: batch, into: &result)
    return result
  }

  /// Settles a batch that no call can answer as it is: halves, or a failed unit.
  package func split(_ batch: Batch, failure: Failure, attempt: AttemptChange?) -> Settlement {
    var result = Settlement(attempt)
    let spent = attempt == nil ? 0 : 1
    if batch.units.count == 1 {
      result.changes = batch.units.map {
        failed($0, failure, of: batch, isRetryable: false, spent: spent)
      }
    } else {
      halve(batch.units, of: batch, spent: spent, into: &result)
    }
    return result
  }

  /// Settles a batch whose call nobody knows the end of: charged, and asked again.
  package func lose(_ batch: Batch, usage: Usage) -> Settlement {
    var result = Settlement(attempt(batch, .attemptLost, usage, model: ""))
    let failure = Failure(reason: .lost, detail: "Nobody knows what became of the call.")
    askAgain(batch.units.map { ($0, failure) }, of: batch, into: &result)
    return result
  }

  /// Settles a batch that was tried long enough.
  package func exhaust(_ batch: Batch, failure: Failure) -> Settlement {
    var errored = attempt(batch, .errored, nil, model: "")
    errored.failure = failure
    var result = Settlement(errored)
    result.changes = batch.units.map { failed($0, failure, of: batch, isRetryable: true) }
    return result
  }

  // MARK: - Asking again

  private func askAgain(
    _ rest: [(unit: BatchUnit, failure: Failure)], of batch: Batch, into result: inout Settlement
  ) {
    let isCut = rest.contains { $0.failure.reason == .truncated }
    // A whole reply that cannot be read is asked for once more as it is, then in halves.
    let isGarbled = rest.count == batch.units.count && rest.allSatisfy { $0.failure.isUnreadable }
    let wasAskedAgain = batch.units.contains { $0.tries > 0 }
    if rest.count > 1, isCut || (isGarbled && wasAskedAgain) {
      return halve(rest.map(\.unit), of: batch, spent: 1, into: &result)
    }
    var kept: [BatchUnit] = []
    for (unit, failure) in rest {
      if unit.tries + 1 < attemptsMax {
        kept.append(unit)
      } else {
        result.changes.append(failed(unit, failure, of: batch, isRetryable: true))
      }
    }
    add(child: 1, of: batch, kept, spent: 1, into: &result)
  }

  private func halve(
    _ units: [BatchUnit], of batch: Batch, spent: Int, into result: inout Settlement
  ) {
    let middle = (units.count + 1) / 2
    add(child: 1, of: batch, Array(units[..<middle]), spent: spent, into: &result)
    add(child: 2, of: batch, Array(units[middle...]), spent: spent, into: &result)
  }

  private func add(
    child index: Int, of batch: Batch, _ units: [BatchUnit], spent: Int,
    into result: inout Settlement
  ) {
    guard !units.isEmpty else { return }
    var child = Batch(
      id: RunNames.childID(of: batch.id, index), stage: batch.stage, units: units)
    for index in child.units.indices {
      child.units[index].tries += spent
      result.changes.append(
        UnitChange(
          unitId: child.units[index].id, state: .open, tries: UInt32(child.units[index].tries),
          batch: child.id))
    }
    result.children.append(child)
  }

  // MARK: - Facts

  private func attempt(
    _ batch: Batch, _ state: AttemptState, _ usage: Usage?, model: String
  ) -> AttemptChange {
    AttemptChange(
      callKey: names.callKey(of: batch), batch: batch.id, state: state, usage: usage,
      model: model, units: UInt32(batch.units.count))
  }

  private func failed(
    _ unit: BatchUnit, _ failure: Failure, of batch: Batch, isRetryable: Bool, spent: Int = 1
  ) -> UnitChange {
    var failure = failure
    failure.attempts = UInt32(unit.tries + spent)
    failure.isRetryable = isRetryable
    return UnitChange(
      unitId: unit.id, state: .unitFailed, failure: failure, tries: failure.attempts,
      batch: RunNames.failedID(of: batch.id, generation: generation))
  }

  private func change(
    _ unit: BatchUnit, _ state: UnitState, _ draft: VerdictDraft, of batch: Batch,
    _ reply: GenerateResponse
  ) -> UnitChange {
    let verdict = Verdict(
      id: names.verdictID(unit: unit.id, batch: batch.id), runId: names.runID, unitId: unit.id,
      unitKey: unit.key, subject: unit.subject, rubricHash: unit.rubricHash, model: reply.model,
      value: draft.value, reasoning: draft.reasoning, confidence: draft.confidence,
      flags: draft.flags, callKeys: [names.callKey(of: batch)], detail: draft.detail)
    return UnitChange(unitId: unit.id, state: state, verdict: verdict)
  }

  /// A verdict without a usable value is none (I9): absent is not 0 is not false.
  private static func checked(_ outcome: UnitOutcome) -> UnitOutcome {
    guard case .verdict(let draft) = outcome else { return outcome }
    guard let kind = draft.value?.kind else {
      return .unusable(Failure(reason: .missing, detail: "The answer has no value."))
    }
    guard case .number(let number) = kind else { return outcome }
    let scale = draft.value?.scale
    let isInside = scale.map { number >= $0.least && number <= $0.most } ?? true
    guard number.isFinite, isInside else {
      return .unusable(Failure(reason: .outOfRange, detail: "The number is out of its range."))
    }
    return outcome
  }
}

/// What one commit says of a batch.
package struct Settlement: Sendable, Equatable {
  /// Nil when no call was made.
  package var attempt: AttemptChange?
  package var changes: [UnitChange] = []
  /// They ask again, from the moment the commit is durable.
  package var children: [Batch] = []

  init(_ attempt: AttemptChange?) { self.attempt = attempt }

  package var facts: [Fact] {
    (attempt.map { [Fact(kind: .attempt($0))] } ?? []) + changes.map { Fact(kind: .unit($0)) }
  }

  package var hasFailedUnit: Bool { changes.contains { $0.state == .unitFailed } }
}

extension Failure {
  static let malformed = Failure(
    reason: .invalid, detail: "The codec gave no outcome for each unit.")

  /// Nothing of the reply could be read.
  var isUnreadable: Bool { reason == .unparsable || reason == .invalid }
}
