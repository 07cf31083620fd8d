import ScoreContract

/// What it costs to ask about units in their batches, page by page: the same sum for an
/// estimate, for an approval and for what is missing at the end.
package struct WorkPrice: Sendable, Equatable {
  package private(set) var units: Int64 = 0
  package private(set) var calls: Int64 = 0
  package private(set) var cost = CostBound()
  private var batch: Batch?

  package init() {}

  /// Adds units in their order; those of one batch follow each other.
  mutating func add(_ units: [Unit], of task: RunTask) {
    for unit in units {
      self.units += 1
      guard unit.batch != RunNames.followerBatch else { continue }
      if batch?.id != unit.batch {
        finish(task)
        batch = Batch(id: unit.batch, stage: Int(unit.stage), units: [])
      }
      batch?.units.append(BatchUnit(unit))
    }
  }

  /// Adds the batch that no further unit belongs to.
  mutating func finish(_ task: RunTask) {
    guard let batch else { return }
    self.batch = nil
    calls += 1
    guard let call = try? task.workload.render(batch, of: task.spec) else { return }
    cost.leastNanos &+= call.cost.leastNanos
    cost.expectedNanos &+= call.cost.expectedNanos
    cost.mostNanos &+= call.cost.mostNanos
  }
}
