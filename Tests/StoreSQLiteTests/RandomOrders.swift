import Faults
import ScoreContract
import StoreBackend
import StoreContract
import TestSupport

/// Orders as callers would give them, and as they should not: drawn from few names, so that they
/// meet, and mostly such that the store's state allows them.
struct RandomOrders {
  var random: SeededRandom
  let product: ProductScope
  /// Told what happened, so that most orders make sense.
  let model: StoreModel

  private mutating func chance(_ percent: Int) -> Bool {
    Int.random(in: 0..<100, using: &random) < percent
  }

  private mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

  private mutating func pick<T>(_ items: [T], _ fallback: T) -> T {
    items.randomElement(using: &random) ?? fallback
  }

  /// Most of the time one run, so that it comes far.
  mutating func runID() -> String { chance(70) ? "run0" : "run\(number(0..<3))" }

  /// nil when the request was refused before it became an order.
  mutating func next() -> Result<WriteOrder, Fault> {
    let run = SeenRun("run0", product, in: model)
    if run.state == .unspecified, chance(60) {
      return .success(.createRun(product, createRun()))
    }
    if run.state == .pending, chance(25) {
      return .success(.acquireLease(product, name: "run0", session: "s0"))
    }
    switch number(0..<100) {
    case 0..<10: return .success(.createRun(product, createRun()))
    case 10..<22: return .success(.requestOfRun(product, requestOfRun()))
    case 22..<30: return .success(lease())
    case 30..<33: return .success(.putRubric(product, rubric()))
    case 33..<37: return .success(.putLabels(product, (0..<number(0..<3)).map { _ in label() }))
    default:
      let request = commit()
      return Result { () throws(Fault) in try .commit(product, request) }
    }
  }

  private mutating func createRun() -> CreateRunRequest {
    CreateRunRequest(
      runId: chance(3) ? "" : runID(), workload: "columns", spec: [1, 2, 3],
      specHash: "spec\(number(0..<2))", idempotencyKey: chance(50) ? "" : "key\(number(0..<3))",
      options: chance(50) ? nil : RunOptions(width: 4, budgetCapNanos: Int64(number(-1..<9))))
  }

  private mutating func requestOfRun() -> RequestOfRunRequest {
    let request = pick([.approve, .pause, .resume, .resume, .resume, .cancel], RunRequest.pause)
    let isResume = request == .resume || chance(5)
    return RequestOfRunRequest(
      runId: runID(), request: chance(2) ? .unrecognized(9) : request,
      budgetCapNanos: isResume ? Int64(number(0..<3)) : 0, retryFailed: isResume && chance(50))
  }

  private mutating func lease() -> WriteOrder {
    let name = runID()
    if chance(85) { return .acquireLease(product, name: name, session: "s\(number(0..<3))") }
    return .endLease(product, name: name, token: UInt64(number(0..<4)))
  }

  private mutating func rubric() -> Rubric {
    Rubric(
      hash: "rubric\(number(0..<2))", name: "house", version: 1,
      body: chance(50) ? Array("{}".utf8) : Array("{\"a\":1}".utf8))
  }

  private mutating func label() -> Label {
    Label(
      id: "label\(number(0..<5))", subject: subject(), rubricName: "house", rater: "ann",
      value: Value(kind: .number(Double(number(0..<2)))), note: "n")
  }

  private mutating func subject() -> SubjectRef {
    SubjectRef(
      kind: chance(75) ? "entity" : "house", id: "e\(number(0..<3))",
      contentHash: "h\(number(0..<2))")
  }

  // MARK: - Commits

  private mutating func commit() -> CommitRequest {
    let runID = runID()
    var token = UInt64(number(0..<3))
    let lease = (try? model.leases())?.first { $0.product == product && $0.name == runID }
    if chance(92), let lease, !lease.session.isEmpty { token = lease.token }
    let run = SeenRun(runID, product, in: model)
    return CommitRequest(
      commitId: "c\(number(0..<60))", runId: runID, leaseName: chance(2) ? "" : runID,
      leaseToken: token,
      facts: (0..<(chance(2) ? 0 : chance(60) ? 1 : number(2..<5))).map { _ in fact(for: run) })
  }

  private mutating func fact(for run: SeenRun) -> Fact {
    if !run.units.contains(where: { $0.state == .open }), !run.state.isEnded, chance(50) {
      return Fact(kind: .planned(UnitsPlanned(units: units(run))))
    }
    return switch number(0..<100) {
    case 0..<25: Fact(kind: .run(runChange(run)))
    case 25..<32: Fact(kind: .stage(StageChange(stage: stage())))
    case 32..<47: Fact(kind: .planned(UnitsPlanned(units: units(run))))
    case 47..<84: Fact(kind: .unit(unitChange(run)))
    case 84..<94: Fact(kind: .attempt(attempt()))
    case 94..<99: Fact(kind: .note(Note(code: "WAITS", text: "for quota")))
    default: Fact()
    }
  }

  private mutating func runChange(_ run: SeenRun) -> RunChange {
    let likely: [RunState] =
      switch run.state {
      case .pending: [.planning]
      case .planning: [.running, .running, .awaitingApproval]
      case .awaitingApproval: [.running, .cancelled]
      case .running: [.paused, .completed, .completed, .partial, .cancelling, .failed]
      case .cancelling: [.cancelled]
      default: [.running]
      }
    var change = RunChange(state: pick(likely, .running), reason: chance(50) ? "" : "budget")
    if chance(10) { change.state = RunState(rawValue: Int32(number(0..<13))) }
    if change.state.isEnded || chance(2) { change.outcome = Array("{\"mean\":5}".utf8) }
    return change
  }

  private mutating func stage() -> Stage {
    Stage(
      index: UInt32(number(0..<3)), name: chance(95) ? "score" : "other",
      state: StageState(rawValue: Int32(number(1..<9))), isFailFast: chance(50))
  }

  private mutating func units(_ run: SeenRun) -> [Unit] {
    let first = run.units.count + (chance(5) ? 1 : 0)
    return (0..<number(1..<4)).map { index in
      let name = chance(96) ? "u\(first + index)" : "u0"
      return Unit(
        id: name, ordinal: Int64(first + index), stage: UInt32(index % 2),
        unitKey: "k\(number(0..<6))", subject: chance(90) ? subject() : nil,
        rubricHash: "rubric\(number(0..<2))", group: "g", payload: [7, 7], state: .open,
        batch: chance(50) ? "" : "1")
    }
  }

  private mutating func unitChange(_ run: SeenRun) -> UnitChange {
    let open = run.units.filter { $0.state == .open }.map(\.id)
    var unitID = pick(open, "u0")
    if chance(15) { unitID = "u\(number(0..<9))" }
    var change = UnitChange(unitId: unitID)
    switch number(0..<100) {
    case 0..<45:
      change.state = .succeeded
      change.verdict = verdict(of: unitID)
      if chance(3) { change.verdict?.value = nil }
    case 45..<60:
      change.state = .unitFailed
      change.failure = Failure(reason: .rate, detail: "429", attempts: 2, isRetryable: true)
    case 60..<70:
      change.state = .undetermined
      if chance(50) { change.verdict = verdict(of: unitID) }
    case 70..<85:
      change.state = .skipped
      change.skipReason = pick(
        [.cached, .shortCircuit, .limit, .filtered, .skippedBudget, .runEnded], SkipReason.limit)
      if change.skipReason == .cached { change.verdictId = "v\(number(0..<14))" }
    default:
      change.state = .open
      change.tries = UInt32(number(0..<3))
      change.batch = "7.\(number(0..<3))"
    }
    if chance(3) { change.state = .unrecognized(77) }
    return change
  }

  private mutating func verdict(of unitID: String) -> Verdict {
    let kinds: [Value.Kind] = [
      .number(Double(number(0..<5)) + 0.5), .truth(.unknown), .label("good"), .number(.nan),
    ]
    let index = number(0..<20)
    return Verdict(
      id: "v\(number(0..<14))", unitId: chance(3) ? "other" : unitID, unitKey: "k\(number(0..<6))",
      subject: chance(90) ? subject() : nil, rubricHash: "rubric\(number(0..<2))",
      model: "m\(number(0..<2))", value: Value(kind: kinds[index > 3 ? 0 : index]),
      reasoning: "because", confidence: Confidence(probability: 0.5, kind: .verbalised),
      flags: ["coerced"], callKeys: ["call"],
      supersedes: chance(10) ? "v\(number(0..<14))" : "", detail: Array("[1]".utf8))
  }

  private mutating func attempt() -> AttemptChange {
    AttemptChange(
      callKey: "call\(number(0..<12))", batch: "1",
      state: AttemptState(rawValue: Int32(number(1..<4))),
      usage: Usage(
        inputTokens: Int64(number(-1..<50)), outputTokens: 5, costNanos: 1_000,
        completeness: .exact),
      model: "m0", units: 2)
  }
}

/// What of a run decides which facts are likely.
struct SeenRun {
  let state: RunState
  let units: [Unit]

  init(_ id: String, _ product: ProductScope, in model: StoreModel) {
    state = (try? model.run(id, of: product))?.run?.state ?? .unspecified
    let request = ReadUnitsRequest(runId: id, afterOrdinal: -1, limit: 1_000)
    units = (try? model.units(request, of: product))?.units ?? []
  }
}
