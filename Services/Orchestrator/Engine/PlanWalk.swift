/// A plan as one row of units: each by its ordinal, made when it is asked for.
package struct PlanWalk: Sendable {
  package let plan: Plan
  /// Units that are planned: all, or the run's limit.
  package let count: Int64
  /// Units that the limit leaves out.
  package let beyondLimit: Int64
  /// The ordinal of each stage's first unit, and of the end.
  private let starts: [Int64]

  package init(_ plan: Plan, limit: UInt32) {
    self.plan = plan
    var starts: [Int64] = [0]
    for stage in plan.stages { starts.append(starts[starts.count - 1] + Int64(stage.unitCount)) }
    let all = starts[starts.count - 1]
    count = limit == 0 ? all : min(all, Int64(limit))
    beyondLimit = all - count
    self.starts = starts
  }

  /// The stage that holds an ordinal below `count`.
  package func stage(at ordinal: Int64) -> Int {
    var stage = 0
    while stage + 1 < starts.count - 1, ordinal >= starts[stage + 1] { stage += 1 }
    return stage
  }

  /// The unit at an ordinal below `count`.
  package func unit(at ordinal: Int64) -> PlannedUnit {
    let stage = stage(at: ordinal)
    return plan.stages[stage].unit(Int(ordinal - starts[stage]))
  }

  /// Whether no unit of the same stage stands at the next ordinal.
  package func endsStage(at ordinal: Int64) -> Bool {
    ordinal + 1 >= count || self.stage(at: ordinal + 1) != self.stage(at: ordinal)
  }
}
