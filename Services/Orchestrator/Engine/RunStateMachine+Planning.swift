import Faults
import ScoreContract

/// How far the plan is committed.
struct Planning: Sendable {
  var pager: PlanPager?
  /// The next page, while its keys are looked up.
  var draft: PlanDraft?
  var keysLeft: [String] = []
  var found: [Verdict] = []
  var lookupMax = EngineLimits.pageUnitsMax
  /// Expected cost of all open units.
  var price = WorkPrice()
}

extension RunStateMachine {
  // MARK: - Pages

  mutating func beginPlanning(_ walk: PlanWalk) {
    phase = .planning
    planning = Planning()
    var pager = PlanPager(walk, isForced: run.options?.force ?? false)
    pager.resume(at: run.totals?.planned ?? 0)
    planning.pager = pager
  }

  mutating func progressPlanning() {
    guard stepAsk == nil, !stopsHere(), let pager = planning.pager else { return }
    if run.state == .pending {
      stepAsk = commit("begin", beginning(), .begun)
    } else if let draft = planning.draft {
      lookUpNext(draft, pager)
    } else if !pager.isAtEnd {
      let draft = pager.draft()
      planning.draft = draft
      planning.found = []
      planning.keysLeft = run.options?.force ?? false ? [] : draft.keys
      lookUpNext(draft, pager)
    } else if run.state == .running {
      beginReopening()
    } else if run.options?.approvalAboveNanos ?? 0 > 0 {
      phase = .pricing
      cursor = -1
      progressPricing()
    } else {
      finishPlanning(.running)
    }
  }

  /// The stages as they stand before the first unit, and what is to be said of the plan.
  private func beginning() -> [Fact] {
    guard let walk else { return [] }
    var facts = [Fact(kind: .run(RunChange(state: .planning)))]
    for (index, stage) in walk.plan.stages.enumerated() {
      let pending = Stage(
        index: UInt32(index), name: stage.name, state: .stagePending, isFailFast: stage.isFailFast)
      facts.append(Fact(kind: .stage(StageChange(stage: pending))))
    }
    facts += walk.warnings.map { Fact(kind: .note($0)) }
    return facts
  }

  /// Looks up the next keys of a draft; when none is left, commits its page.
  private mutating func lookUpNext(_ draft: PlanDraft, _ pager: PlanPager) {
    if !planning.keysLeft.isEmpty {
      let keys = Array(planning.keysLeft.prefix(planning.lookupMax))
      stepAsk = ask(.lookUp(keys)) { .lookUp(ask: $0, keys: keys) }
      return
    }
    let page = pager.page(of: draft, verdicts: planning.found)
    stepAsk = commit("plan/\(page.first)", page.facts, .planned(page))
  }

  mutating func lookedUp(_ keys: [String], _ verdicts: [Verdict]) {
    if phase == .running { return followersLookedUp(verdicts) }
    planning.found += verdicts
    planning.keysLeft.removeFirst(min(keys.count, planning.keysLeft.count))
  }

  private mutating func finishPlanning(_ state: RunState) {
    let reason = state == .awaitingApproval ? "approval" : ""
    let change = RunChange(state: state, reason: reason)
    stepAsk = commit("planned", [Fact(kind: .run(change))], .ready(state))
  }

  // MARK: - The price

  mutating func progressPricing() {
    guard stepAsk == nil, !stopsHere() else { return }
    read(.price, [.open])
  }

  mutating func priced(_ units: [Unit], isLast: Bool) {
    planning.price.add(units, of: task)
    cursor = units.last?.ordinal ?? cursor
    guard isLast else { return }
    planning.price.finish(task)
    let isDear = planning.price.cost.expectedNanos > run.options?.approvalAboveNanos ?? 0
    finishPlanning(isDear ? .awaitingApproval : .running)
  }

  // MARK: - Opening again

  /// Before the first call of a generation, what had ended without an answer is opened again.
  /// Whoever takes over in between goes on: what is open stays open, and what failed in this
  /// generation says so.
  mutating func beginReopening() {
    guard run.generation > 0 else { return beginRunning(isFresh: false) }
    phase = .reopening
    cursor = -1
  }

  mutating func progressReopening() {
    guard stepAsk == nil, !stopsHere() else { return }
    let isRetry = run.options?.retryFailed ?? false
    read(.reopen, isRetry ? [.skipped, .unitFailed] : [.skipped])
  }

  mutating func reopen(_ units: [Unit], isLast: Bool) {
    let last = units.last?.ordinal ?? cursor
    let changes = units.compactMap(reopened)
    guard let first = units.first(where: { reopened($0) != nil }) else {
      cursor = last
      if isLast { beginRunning(isFresh: false) }
      return
    }
    stepAsk = commit(
      "reopen/\(first.ordinal)", changes.map { Fact(kind: .unit($0)) },
      .reopened(last: last, isLast: isLast))
  }

  private func reopened(_ unit: Unit) -> UnitChange? {
    switch unit.state {
    case .skipped where unit.skipReason == .skippedBudget || unit.skipReason == .runEnded:
      return UnitChange(unitId: unit.id, state: .open, tries: unit.tries, batch: unit.batch)
    case .unitFailed where unit.failure?.isRetryable ?? false:
      guard let failed = RunNames.failedGeneration(unit.batch), failed < run.generation else {
        return nil
      }
      let batch = RunNames.reopenedID(of: unit.batch, generation: run.generation)
      return UnitChange(unitId: unit.id, state: .open, batch: batch)
    default:
      return nil
    }
  }
}

extension PlanPage {
  /// The units, then which of them are answered already.
  var facts: [Fact] {
    let fresh = units.map { unit in
      var unit = unit
      unit.state = .open
      unit.skipReason = .unspecified
      unit.verdictId = ""
      return unit
    }
    let planned = UnitsPlanned(
      units: fresh, firstOrdinal: first, count: Int64(units.count))
    return [Fact(kind: .planned(planned))]
      + units.filter { $0.state == .skipped }.map { unit in
        Fact(
          kind: .unit(
            UnitChange(
              unitId: unit.id, state: .skipped, skipReason: .cached, verdictId: unit.verdictId)))
      }
  }
}
