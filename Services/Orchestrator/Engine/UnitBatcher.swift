/// Units into batches, in their order: the next unit joins the open batch unless it is full, too
/// heavy with it, or of another group. A unit above the weight goes alone.
///
/// A planner puts units of one group beside each other: a batch never reaches over another group.
package struct UnitBatcher: Sendable {
  private let policy: BatchPolicy
  /// Where the open batch began: its name.
  package private(set) var openFirst: Int64?
  private var group = ""
  private var count = 0
  private var bytes = 0

  package init(_ policy: BatchPolicy) { self.policy = policy }

  /// Places a unit; the ordinal of the first unit of its batch.
  package mutating func place(ordinal: Int64, group: String, bytes size: Int) -> Int64 {
    let unitsMax = min(policy.unitsMax, EngineLimits.batchUnitsMax)
    if let first = openFirst, self.group == group, count < unitsMax, bytes + size <= policy.bytesMax
    {
      count += 1
      bytes += size
      return first
    }
    openFirst = ordinal
    self.group = group
    count = 1
    bytes = size
    return ordinal
  }

  /// The next unit opens a new batch.
  package mutating func close() { openFirst = nil }
}
