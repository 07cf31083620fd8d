import Faults
import ScoreContract
import StoreBackend
import StoreContract

/// A model and the orders that tests give most; time goes on by one with each.
final class ModelStore {
  let model = StoreModel()
  let product = ProductScope.standard
  private var now: Int64 = 0
  private var commits = 0

  @discardableResult
  func write(_ order: WriteOrder) throws(Fault) -> WriteReceipt {
    now += 1
    let results = model.write([order], atMicroseconds: now)
    guard let result = results.first else { throw Fault(.internal, reason: "NO_RESULT", "") }
    return try result.get()
  }

  func create(_ id: String, hash: String = "h", key: String = "") throws(Fault) -> WriteReceipt {
    try write(
      .createRun(
        product,
        CreateRunRequest(
          runId: id, workload: "columns", specHash: hash, idempotencyKey: key)))
  }

  /// A commit under the run's lease, with an id of its own unless one is given.
  @discardableResult
  func commit(
    _ facts: Fact.Kind..., id: String = "", lease: String = "run", token: UInt64 = 1
  ) throws(Fault) -> CommitResponse {
    commits += 1
    let request = CommitRequest(
      commitId: id.isEmpty ? "commit\(commits)" : id, runId: "run", leaseName: lease,
      leaseToken: token, facts: facts.map { Fact(kind: $0) })
    guard case .committed(let response, _, _, _) = try write(.commit(product, request)) else {
      throw Fault(.internal, reason: "NO_COMMIT", "")
    }
    return response
  }

  func ask(_ request: RunRequest, cap: Int64 = 0) throws(Fault) -> [Event] {
    let order = WriteOrder.requestOfRun(
      product, RequestOfRunRequest(runId: "run", request: request, budgetCapNanos: cap))
    guard case .runRequested(_, let events) = try write(order) else { return [] }
    return events
  }

  /// The run `run` in a state, reached as runs reach it, with two open units.
  func reach(_ state: RunState) throws(Fault) {
    _ = try create("run")
    try write(.acquireLease(product, name: "run", session: "s"))
    if state == .pending { return }
    try commit(.run(RunChange(state: .planning)), .planned(UnitsPlanned(units: units)))
    switch state {
    case .planning: return
    case .awaitingApproval: try commit(.run(RunChange(state: .awaitingApproval)))
    case .running: try commit(.run(RunChange(state: .running)))
    case .completed:
      try commit(.run(RunChange(state: .running)), skipped("u0"), skipped("u1"))
      try commit(.run(RunChange(state: .completed)))
    default: try commit(.run(RunChange(state: .running)), .run(RunChange(state: state)))
    }
  }

  private var units: [Unit] {
    [Unit(id: "u0", ordinal: 0, state: .open), Unit(id: "u1", ordinal: 1, state: .open)]
  }

  func skipped(_ unit: String, _ reason: SkipReason = .filtered) -> Fact.Kind {
    .unit(UnitChange(unitId: unit, state: .skipped, skipReason: reason))
  }

  func run() throws(Fault) -> Run {
    try model.run("run", of: product).run ?? Run()
  }

  func unit(_ id: String) throws(Fault) -> Unit? {
    let request = ReadUnitsRequest(runId: "run", afterOrdinal: -1)
    return try model.units(request, of: product).units.first { $0.id == id }
  }

  static func verdict(_ id: String, value: Value.Kind? = .number(5)) -> Verdict {
    Verdict(id: id, unitKey: "key", value: value.map { Value(kind: $0) })
  }

  func answered(_ unit: String, _ verdict: Verdict) -> Fact.Kind {
    .unit(UnitChange(unitId: unit, state: .succeeded, verdict: verdict))
  }
}

/// The reason of the fault that `body` throws; nil when it throws none.
func reason(_ body: () throws(Fault) -> Void) -> String? {
  do { try body() } catch { return error.reason }
  return nil
}
