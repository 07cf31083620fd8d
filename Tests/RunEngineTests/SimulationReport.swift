import JSON
import RunEngine
import ScoreContract

/// What a simulated world came to, and what of it must not be.
struct SimulationReport {
  let violations: [String]
  let trace: UInt64
  let events: Int
  let faults: [String: Int]

  /// What the same run comes to when nothing goes wrong.
  static func undisturbed(_ plan: SimulationPlan) -> SimulatedWorld {
    let calm = SimulatedWorld(plan.undisturbed)
    if !calm.run() {
      calm.store.violations.append("The undisturbed run does not end: \(calm.summary)")
    }
    return calm
  }

  /// Lives through a world, and compares it with the same run undisturbed.
  init(_ plan: SimulationPlan, calm known: SimulatedWorld? = nil) {
    let calm = known ?? Self.undisturbed(plan)
    let world = SimulatedWorld(plan)
    var violations: [String] = []
    if !world.run() { violations.append("The run does not end: \(world.summary)") }
    violations += calm.store.violations + world.store.violations + world.gateway.violations
    violations += Self.differences(world.store.allUnits(), calm.store.allUnits())
    violations += Self.log(of: world) + Self.books(of: world)
    self.violations = violations
    trace = world.trace
    events = world.eventCount
    faults = world.faultCounts
  }

  /// Verdicts as in the undisturbed run; no unit lost, none twice (I3, I6, P6).
  private static func differences(_ units: [Unit], _ calm: [Unit]) -> [String] {
    guard units.map(\.id) == calm.map(\.id) else {
      return ["\(units.count) units instead of \(calm.count)"]
    }
    return zip(units, calm).compactMap { unit, expected in
      if unit.state == .open { return "Unit \(unit.id) is open." }
      guard unit.state == expected.state, unit.skipReason == expected.skipReason,
        unit.failure?.isRetryable == expected.failure?.isRetryable
      else { return "Unit \(unit.id) is \(unit.state) instead of \(expected.state)." }
      return nil
    }
  }

  /// A log without a gap, one terminal event a generation, totals that equal the table (I2, I6).
  private static func log(of world: SimulatedWorld) -> [String] {
    var violations: [String] = []
    let events = world.store.allEvents()
    if events.map(\.seq) != (0..<events.count).map({ Int64($0) + 1 }) {
      violations.append("The log has a gap.")
    }
    var isEnded = false
    var asked: [RunRequest: Int] = [:]
    var values: [String: Double] = [:]
    var states: [String: UnitState] = [:]
    var last: RunChange?
    for event in events {
      switch event.fact?.kind {
      case .run(let change) where change.requested != .unspecified:
        asked[change.requested, default: 0] += 1
      case .run(let change):
        if change.reason == "operator", change.state == .cancelling {
          asked[.cancel, default: 0] -= 1
        }
        if change.reason == "operator", change.state == .paused { asked[.pause, default: 0] -= 1 }
        if isEnded, change.state != .running { violations.append("Two ends in one generation.") }
        isEnded = [.completed, .partial, .failed, .timedOut, .cancelled].contains(change.state)
        last = change
      case .unit(let change):
        states[change.unitId] = change.state
        guard let verdict = change.verdict else { break }
        if isEnded { violations.append("A verdict behind the end.") }
        if values[change.unitId] != nil { violations.append("\(change.unitId) has two verdicts.") }
        if case .number(let number) = verdict.value?.kind { values[change.unitId] = number }
      default: break
      }
    }
    if asked.contains(where: { $0.value < 0 }) {
      violations.append("Something was done that nobody had asked for.")
    }
    // The log alone tells what the table says (P10).
    for unit in world.store.allUnits() where states[unit.id, default: .open] != unit.state {
      violations.append("The log says that \(unit.id) is \(states[unit.id, default: .open]).")
    }
    for unit in world.store.allUnits() where unit.state == .succeeded {
      let text = String(decoding: unit.payload, as: UTF8.self)
      if values[unit.id] != Double(ScriptedModel.value(of: text)) {
        violations.append("Unit \(unit.id) has another verdict than its text.")
      }
    }
    return violations + totals(of: world, last)
  }

  private static func totals(of world: SimulatedWorld, _ last: RunChange?) -> [String] {
    var counted = RunTotals()
    for unit in world.store.allUnits() {
      counted.planned += 1
      switch unit.state {
      case .succeeded: counted.succeeded += 1
      case .unitFailed: counted.failed += 1
      case .undetermined: counted.undetermined += 1
      case .skipped: counted.skipped += 1
      default: break
      }
    }
    let told = last?.totals ?? RunTotals()
    let isEqual =
      told.planned == counted.planned && told.succeeded == counted.succeeded
      && told.failed == counted.failed && told.undetermined == counted.undetermined
      && told.skipped == counted.skipped
    guard isEqual else { return ["The last event counts otherwise than the table."] }
    guard let outcome = (try? JSONValue(parsing: last?.outcome ?? []))?.objectValue,
      outcome["succeeded"]?.intValue == Int(told.succeeded),
      outcome["failed"]?.intValue == Int(told.failed)
    else { return ["The outcome counts otherwise than the table."] }
    return []
  }

  /// Store's books equal the gateway's bill: nothing that was paid is lost, nothing paid twice.
  private static func books(of world: SimulatedWorld) -> [String] {
    var violations: [String] = []
    var booked: [String: Int64] = [:]
    for event in world.store.allEvents() {
      guard case .attempt(let attempt) = event.fact?.kind else { continue }
      if booked[attempt.callKey] != nil { violations.append("A call stands in the log twice.") }
      booked[attempt.callKey] = attempt.usage?.costNanos ?? 0
    }
    for (key, call) in world.gateway.calls.sorted(by: { $0.key < $1.key }) {
      if booked[key] != call.chargedNanos {
        let asked = call.asked.map { "\($0.id)/\($0.tries)" }
        violations.append(
          "A call for \(asked) cost \(call.chargedNanos) and is booked with "
            + "\(booked[key].map(String.init) ?? "nothing").")
      }
    }
    let billed = world.gateway.calls.values.reduce(0) { $0 + $1.chargedNanos }
    let spent = world.store.run()?.run.totals?.costNanos ?? 0
    if billed != spent { violations.append("The bill says \(billed), the run \(spent).") }
    return violations
  }
}
