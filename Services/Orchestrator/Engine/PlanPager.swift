package import ScoreContract

/// A plan in pages, each small enough for one commit: what is cached is skipped, the rest is put
/// into batches. The run and its estimate both plan with this, so they plan the same.
///
/// A page ends where a batch ends, so that planning can go on behind it with nothing in mind.
package struct PlanPager: Sendable {
  private let walk: PlanWalk
  private let isForced: Bool
  /// Hashes of the keys of all units behind us: the second unit with a key follows the first.
  /// Two keys with one hash would make a follower of a stranger, which then fails as retryable.
  private var seen: Set<UInt64> = []
  /// The first ordinal that is not planned.
  package private(set) var next: Int64 = 0

  package init(_ walk: PlanWalk, isForced: Bool) {
    self.walk = walk
    self.isForced = isForced
  }

  package var isAtEnd: Bool { next >= walk.count }

  /// Goes on behind what was planned before.
  package mutating func resume(at ordinal: Int64) {
    while next < min(ordinal, walk.count) {
      seen.insert(FNV.hash(walk.unit(at: next).key))
      next += 1
    }
  }

  /// What the next page may hold, before it is known what is cached.
  package func draft() -> PlanDraft {
    var draft = PlanDraft(first: next)
    var bytes = 0
    var ordinal = next
    while ordinal < walk.count, draft.units.count < EngineLimits.pageUnitsMax {
      let unit = walk.unit(at: ordinal)
      guard draft.units.isEmpty || bytes + unit.payload.count <= EngineLimits.pageBytesMax else {
        break
      }
      bytes += unit.payload.count
      draft.units.append(unit)
      ordinal += 1
    }
    return draft
  }

  /// The page, given the verdicts that exist for the draft's keys. What follows the last whole
  /// batch stays for the next page.
  package func page(of draft: PlanDraft, verdicts: [Verdict]) -> PlanPage {
    var cached: [String: String] = [:]
    if !isForced { for verdict in verdicts { cached[verdict.unitKey] = verdict.id } }
    var fresh: Set<UInt64> = []
    var batchers = Batchers(walk.plan)
    var units: [Unit] = []
    for (index, planned) in draft.units.enumerated() {
      let ordinal = draft.first + Int64(index)
      let stage = walk.stage(at: ordinal)
      var unit = Unit(planned, ordinal: ordinal, stage: stage)
      let key = FNV.hash(planned.key)
      let isKnown = seen.contains(key) || !fresh.insert(key).inserted
      if let verdict = cached[planned.key] {
        unit.state = .skipped
        unit.skipReason = .cached
        unit.verdictId = verdict
      } else if isKnown {
        unit.batch = RunNames.followerBatch
      } else {
        let first = batchers.place(ordinal, stage, planned.group, planned.payload.count)
        unit.batch = RunNames.batchID(firstOrdinal: first)
      }
      units.append(unit)
      if walk.endsStage(at: ordinal) { batchers.close() }
    }
    if let open = batchers.openFirst, open > draft.first {
      units.removeLast(Int(draft.first) + units.count - Int(open))
    }
    return PlanPage(first: draft.first, units: units)
  }

  /// The page is planned.
  package mutating func accept(_ page: PlanPage) {
    for unit in page.units { seen.insert(FNV.hash(unit.unitKey)) }
    next = page.next
  }

  /// One batcher, renewed with each stage.
  private struct Batchers {
    private let plan: Plan
    private var stage = -1
    private var batcher = UnitBatcher(BatchPolicy(unitsMax: 1))

    init(_ plan: Plan) { self.plan = plan }

    var openFirst: Int64? { batcher.openFirst }

    mutating func place(_ ordinal: Int64, _ stage: Int, _ group: String, _ bytes: Int) -> Int64 {
      if stage != self.stage {
        self.stage = stage
        batcher = UnitBatcher(plan.stages[stage].batching)
      }
      return batcher.place(ordinal: ordinal, group: group, bytes: bytes)
    }

    mutating func close() { batcher.close() }
  }
}

/// Units that stand next in a plan.
package struct PlanDraft: Sendable, Equatable {
  package let first: Int64
  package var units: [PlannedUnit] = []

  /// What to look up: each key once.
  package var keys: [String] {
    var known: Set<String> = []
    return units.map(\.key).filter { known.insert($0).inserted }
  }
}

/// Units as they are committed.
package struct PlanPage: Sendable, Equatable {
  package let first: Int64
  package let units: [Unit]

  package var next: Int64 { first + Int64(units.count) }
}

extension Unit {
  /// A planned unit, open.
  init(_ planned: PlannedUnit, ordinal: Int64, stage: Int) {
    self.init(
      id: planned.id, ordinal: ordinal, stage: UInt32(stage), unitKey: planned.key,
      subject: planned.subject, rubricHash: planned.rubricHash, group: planned.group,
      payload: planned.payload, state: .open)
  }
}
