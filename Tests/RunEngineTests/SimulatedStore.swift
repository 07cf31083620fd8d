import Faults
import RunEngine
import ScoreContract
import StoreBackend
import StoreContract

/// The store of a simulated world: the model in memory, with sessions that end, times when it is
/// away, and bugs on request.
final class SimulatedStore {
  static let product = ProductScope.standard
  let model = StoreModel()
  private let bug: PlantedBug?
  private let ttl: Int64
  /// When each session's leases end.
  private var sessions: [String: Int64] = [:]
  private(set) var latestToken: UInt64 = 0
  private(set) var owner = ""
  var isDiskFull = false
  /// What must never be, in words.
  var violations: [String] = []
  private var applied: [String: (response: CommitResponse, facts: [Fact])] = [:]
  private var arrivals = 0

  init(bug: PlantedBug?, ttl: Int64) {
    self.bug = bug
    self.ttl = ttl
  }

  static let runID = "run-1"

  func create(_ plan: SimulationPlan, at now: Int64) {
    _ = model.write(
      [
        .createRun(
          Self.product,
          CreateRunRequest(
            runId: Self.runID, workload: "scripted", specHash: "h", options: plan.options))
      ], atMicroseconds: now * 1000)
  }

  func run() -> (run: Run, stages: [Stage])? {
    guard let response = try? model.run(Self.runID, of: Self.product), let run = response.run
    else { return nil }
    return (run, response.stages)
  }

  func ask(
    _ request: RunRequest, cap: Int64 = 0, retryFailed: Bool = false, at now: Int64
  ) {
    _ = model.write(
      [
        .requestOfRun(
          Self.product,
          RequestOfRunRequest(
            runId: Self.runID, request: request, budgetCapNanos: cap,
            retryFailed: retryFailed))
      ], atMicroseconds: now * 1000)
  }

  // MARK: - Leases

  /// A restart that nobody's session survives.
  func forgetSessions() { sessions = [:] }

  /// Whoever holds the run holds it no more.
  func forgetOwner() { owner = "" }

  // MARK: - An earlier run

  /// Verdicts that another run has left for these texts.
  func remember(_ texts: [String], at now: Int64) {
    guard !texts.isEmpty else { return }
    let id = "earlier"
    let units = texts.enumerated().map { index, text in
      Unit(id: "e\(index)", ordinal: Int64(index), unitKey: "key \(text)", batch: "\(index)")
    }
    let planned = UnitsPlanned(units: units, firstOrdinal: 0, count: Int64(units.count))
    var facts = [
      Fact(kind: .run(RunChange(state: .planning))), Fact(kind: .planned(planned)),
      Fact(kind: .run(RunChange(state: .running))),
    ]
    for (unit, text) in zip(units, texts) {
      let verdict = Verdict(
        id: "earlier \(unit.id)", unitKey: unit.unitKey,
        value: Value(kind: .number(Double(ScriptedModel.value(of: text)))))
      facts.append(
        Fact(kind: .unit(UnitChange(unitId: unit.id, state: .succeeded, verdict: verdict))))
    }
    facts.append(Fact(kind: .run(RunChange(state: .completed))))
    let made = CreateRunRequest(runId: id, workload: "scripted", specHash: "e")
    _ = write(.createRun(Self.product, made), at: now)
    _ = write(.acquireLease(Self.product, name: id, session: "earlier"), at: now)
    let request = CommitRequest(
      commitId: id, runId: id, leaseName: id, leaseToken: 1, facts: facts)
    guard let order = try? CommitOrder(request),
      case .success = write(.commit(Self.product, order), at: now)
    else { return violations.append("The earlier run was refused.") }
  }

  func isOwner(_ session: String, at now: Int64) -> Bool {
    owner == session && sessions[session] ?? 0 > now
  }

  /// A sign of life; false when the session has ended.
  func renew(_ session: String, isNew: Bool, at now: Int64) -> Bool {
    guard isNew || sessions[session] ?? 0 > now else { return false }
    sessions[session] = now + ttl
    return true
  }

  /// Also when this session has the lease and does not know it: the answer was lost.
  func wantsOwner(_ session: String, at now: Int64) -> Bool {
    guard owner == session || sessions[owner] ?? 0 <= now else { return false }
    return (try? model.runsWantingOwner().isEmpty) == false
  }

  func acquire(_ session: String, at now: Int64) -> UInt64? {
    guard sessions[session] ?? 0 > now, sessions[owner] ?? 0 <= now || owner == session else {
      return nil
    }
    let order = WriteOrder.acquireLease(Self.product, name: Self.runID, session: session)
    guard case .success(.leaseAcquired(let token)) = write(order, at: now) else { return nil }
    owner = session
    latestToken = token
    return token
  }

  func release(_ session: String, _ token: UInt64, at now: Int64) {
    guard token == latestToken else { return }
    _ = write(.endLease(Self.product, name: Self.runID, token: token), at: now)
    owner = ""
  }

  // MARK: - Facts

  func commit(_ commit: RunCommit, _ token: UInt64, at now: Int64) -> Result<CommitOutcome, Fault> {
    guard !isDiskFull else {
      return .failure(Fault(.resourceExhausted, reason: "DISK_FULL", "No space is left."))
    }
    arrivals += 1
    let id = bug == .commitsNotDeduplicated ? "\(commit.id)/\(arrivals)" : commit.id
    let request = CommitRequest(
      commitId: id, runId: Self.runID, leaseName: Self.runID,
      leaseToken: bug == .fencingIgnored ? latestToken : token, facts: commit.facts)
    let order: CommitOrder
    do throws(Fault) { order = try CommitOrder(request) } catch { return .failure(error) }
    switch write(.commit(Self.product, order), at: now) {
    case .success(.committed(let response, _, _, _)):
      if let known = applied[commit.id] {
        if known.response.lastSeq != response.lastSeq {
          violations.append("A commit was applied twice.")
        }
      } else {
        applied[commit.id] = (response, commit.facts)
        if token != latestToken { violations.append("A writer without the lease was let in.") }
      }
      return .success(CommitOutcome(lastSeq: response.lastSeq, isReplay: response.isReplay))
    case .success:
      return .failure(Fault(.internal, reason: "INTERNAL", "Another receipt."))
    case .failure(let fault):
      // A late writer may have decided otherwise why a run stops, and never what an answer means.
      if let known = applied[commit.id],
        known.facts == commit.facts || (known.facts.hasReply && commit.facts.hasReply)
      {
        violations.append("A commit that holds was refused when it was repeated: \(fault)")
      }
      return .failure(fault)
    }
  }

  func units(_ query: UnitsQuery) -> Result<(units: [Unit], isLast: Bool), Fault> {
    do throws(Fault) {
      let page = try model.units(
        ReadUnitsRequest(
          runId: Self.runID, afterOrdinal: query.after, states: query.states,
          stage: query.stage ?? 0, hasStage: query.stage != nil, limit: UInt32(query.limit)),
        of: Self.product)
      return .success((page.units, page.isLast))
    } catch { return .failure(error) }
  }

  func verdicts(_ keys: [String]) -> Result<[Verdict], Fault> {
    do throws(Fault) { return .success(try model.verdicts(forKeys: keys, of: Self.product)) } catch
    {
      return .failure(error)
    }
  }

  func allUnits() -> [Unit] {
    var units: [Unit] = []
    while true {
      let query = UnitsQuery(after: units.last?.ordinal ?? -1, states: [], stage: nil, limit: 500)
      guard case .success(let page) = self.units(query) else { return units }
      units += page.units
      if page.isLast { return units }
    }
  }

  func allEvents() -> [Event] {
    (try? model.events(of: Self.runID, after: 0, countMax: .max, of: Self.product)) ?? []
  }

  private func write(_ order: WriteOrder, at now: Int64) -> Result<WriteReceipt, Fault> {
    model.write([order], atMicroseconds: now * 1000).first
      ?? .failure(Fault(.internal, reason: "INTERNAL", "No receipt."))
  }
}

extension [Fact] {
  /// Whether they settle a call that was answered.
  fileprivate var hasReply: Bool {
    contains { fact in
      guard case .attempt(let attempt) = fact.kind else { return false }
      return attempt.state == .settled
    }
  }
}
