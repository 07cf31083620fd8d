import Faults
import ScoreContract
import StoreContract

extension StoreModel.StoredRun {
  /// The run as it is told.
  var asRun: Run {
    var run = run
    head.fill(&run)
    return run
  }

  /// What became of a commit to it.
  func receipt(_ response: CommitResponse, events: [Event] = []) -> WriteReceipt {
    .committed(
      response, events: events, state: head.state,
      wantsOwner: RunRules.wantsOwner(head.state, requested: head.requested))
  }

  func log(_ change: RunChange, at now: Int64) -> Event {
    head.lastSeq += 1
    run.updatedAtUs = now
    let event = Event(seq: head.lastSeq, atUs: now, fact: Fact(kind: .run(change)))
    events.append(event)
    return event
  }

  func apply(_ review: CommitReview, at now: Int64) {
    head = review.head
    run.updatedAtUs = now
    events += review.events
    for effect in review.effects {
      switch effect {
      case .none: break
      case .stage(let stage): put(stage)
      case .planned(let units):
        for unit in units {
          ordinals[unit.id] = self.units.count
          self.units.append(unit)
        }
      case .unit(let unit):
        // A unit planned in this commit has no key yet, but its ordinal, which is the key here.
        unit.fill(&units[Int(unit.key < 0 ? -1 - unit.key : unit.key)])
      case .attempt(let attempt): attempts[attempt.callKey] = attempt
      }
    }
  }

  private func put(_ stage: Stage) {
    let place = Int(stage.index)
    if place < stages.count { stages[place] = stage } else { stages.append(stage) }
  }
}

extension StoreModel {
  /// What a review of a commit sees.
  struct Ground: CommitGround {
    let run: StoredRun
    let product: Product

    func unit(_ id: String) -> UnitHead? {
      guard let place = run.ordinals[id] else { return nil }
      let unit = run.units[place]
      var head = UnitHead(key: Int64(place), state: unit.state)
      head.skipReason = unit.skipReason
      head.failure = unit.failure
      head.verdictID = unit.verdictId
      head.tries = unit.tries
      head.batch = unit.batch
      return head
    }

    func stages() -> [Stage] { run.stages }
    func isNewAttempt(_ callKey: String) -> Bool { run.attempts[callKey] == nil }
    func isNewVerdict(_ id: String) -> Bool { product.verdicts[id] == nil }
    func hasVerdict(_ id: String) -> Bool { product.verdicts[id] != nil }
  }
}
