package import ScoreContract

/// The open batches that are looked at: the first families of the stage, in the plan's order, and
/// never more, so that a run of any length takes the same memory.
///
/// Whoever takes a run over finds every call that may be in flight in its own first window.
package struct DispatchWindow: Sendable {
  /// Families at once.
  package let capacity: Int
  package let stage: Int
  private let unitsMax: Int
  package private(set) var batches: [String: OpenBatch] = [:]
  /// In the plan's order.
  package private(set) var order: [String] = []
  /// Batches of each family.
  private var families: [Substring: Int] = [:]
  /// The last units of a page, whose family may go on in the next.
  private var pending: [Unit] = []
  private var cursor: Int64 = -1
  /// Every open unit of the stage is here, or was.
  package private(set) var isExhausted = false
  package private(set) var hasFollowers = false
  /// How many batches are in states that each step asks about: counted, not looked for.
  package private(set) var callCount = 0
  private var waitingCount = 0
  private var owingCount = 0

  package init(stage: Int, capacity: Int, unitsMax: Int) {
    self.stage = stage
    self.capacity = max(1, capacity)
    self.unitsMax = max(1, min(unitsMax, EngineLimits.batchUnitsMax))
  }

  /// Read on behind this ordinal.
  package var after: Int64 { pending.last?.ordinal ?? cursor }

  package var wantsPage: Bool { !isExhausted && families.count <= capacity / 2 }

  /// Whether a family that an earlier owner may have called is not here yet.
  package var hasRoom: Bool { !isExhausted && families.count < capacity }

  /// Units that the next page may have.
  package var pageLimit: Int {
    min(EngineLimits.pageUnitsMax, max(1, capacity - families.count) * unitsMax + 1)
  }

  package var isDrained: Bool { isExhausted && batches.isEmpty }

  /// Takes the open units of the stage behind `after`, in their order.
  package mutating func take(_ page: [Unit], isLast: Bool) {
    let row = pending + page
    pending = []
    var index = 0
    while index < row.count {
      guard row[index].batch != RunNames.followerBatch else {
        hasFollowers = true
        cursor = row[index].ordinal
        index += 1
        continue
      }
      let family = RunNames.family(of: row[index].batch)
      let end =
        row[index...].firstIndex {
          $0.batch != RunNames.followerBatch && RunNames.family(of: $0.batch) != family
        } ?? row.count
      if end == row.count, !isLast {
        pending = Array(row[index...])
        return
      }
      guard families.count < capacity else { return }
      let members = row[index..<end].filter { $0.batch != RunNames.followerBatch }
      if members.count < end - index { hasFollowers = true }
      add(members)
      cursor = row[end - 1].ordinal
      index = end
    }
    isExhausted = isLast
  }

  private mutating func add(_ units: [Unit]) {
    var grouped: [(id: String, units: [BatchUnit])] = []
    for unit in units {
      if let place = grouped.firstIndex(where: { $0.id == unit.batch }) {
        grouped[place].units.append(BatchUnit(unit))
      } else {
        grouped.append((unit.batch, [BatchUnit(unit)]))
      }
    }
    for group in grouped {
      insert(Batch(id: group.id, stage: stage, units: group.units))
    }
  }

  private mutating func insert(_ batch: Batch) {
    let first = batch.units.first?.ordinal ?? 0
    let place = order.firstIndex { (batches[$0]?.first ?? 0) > first } ?? order.count
    order.insert(batch.id, at: place)
    batches[batch.id] = OpenBatch(batch)
    families[RunNames.family(of: batch.id), default: 0] += 1
  }

  /// The batch is settled on disk; these take its place.
  package mutating func replace(_ id: String, with children: [Batch]) {
    guard let removed = batches.removeValue(forKey: id) else { return }
    count(removed.machine, -1)
    order.removeAll { $0 == id }
    for child in children { insert(child) }
    let family = RunNames.family(of: id)
    families[family, default: 0] -= 1
    if families[family] == 0 { families[family] = nil }
  }

  /// Feeds one batch's state machine.
  package mutating func feed(
    _ id: String, _ input: BatchStateMachine.Input, at now: Int64
  ) -> BatchStateMachine.Action {
    guard let index = batches.index(forKey: id) else { return .none }
    count(batches.values[index].machine, -1)
    defer { count(batches.values[index].machine, 1) }
    return batches.values[index].machine.handle(input, at: now, name: id)
  }

  private mutating func count(_ machine: BatchStateMachine, _ one: Int) {
    switch machine.state {
    case .calling: callCount += one
    case .waiting: waitingCount += one
    case .ready, .recalling, .settling: break
    }
    if machine.isOwed || machine.isAmbiguous { owingCount += one }
  }

  /// The next batch to call: first what may be paid already, then in the plan's order.
  package func nextReady(owedOnly: Bool) -> OpenBatch? {
    if owedOnly, owingCount == 0 { return nil }
    var first: OpenBatch?
    for id in order {
      guard let open = batches[id], open.machine.state == .ready else { continue }
      if open.machine.isOwed || (open.machine.isAmbiguous && !owedOnly) { return open }
      if owingCount == 0 { return open }
      if first == nil { first = open }
    }
    return owedOnly ? nil : first
  }

  /// The earliest time at which a batch has waited long enough.
  package var wakesAt: Int64? {
    guard waitingCount > 0 else { return nil }
    var earliest: Int64?
    for (_, open) in batches {
      guard case .waiting(let until) = open.machine.state else { continue }
      earliest = min(until, earliest ?? until)
    }
    return earliest
  }

  package var isBusy: Bool { batches.contains { $0.value.machine.isBusy } }
  package var isRecalling: Bool { batches.contains { $0.value.machine.state == .recalling } }
}

/// A batch and where it stands.
package struct OpenBatch: Sendable, Equatable {
  package let batch: Batch
  package var machine = BatchStateMachine()

  init(_ batch: Batch) { self.batch = batch }

  var first: Int64 { batch.units.first?.ordinal ?? 0 }
}

extension BatchUnit {
  /// A unit as Store has it.
  init(_ unit: Unit) {
    self.init(
      id: unit.id, ordinal: unit.ordinal, subject: unit.subject ?? SubjectRef(),
      rubricHash: unit.rubricHash, key: unit.unitKey, payload: unit.payload,
      tries: Int(unit.tries))
  }
}
