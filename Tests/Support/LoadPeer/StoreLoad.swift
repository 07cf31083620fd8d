import EventLoop
import Faults
import JSON
import MeshAddressing
import RPC
import ScoreContract
import StoreContract

/// Writers and readers of one store.
struct StoreLoad: Sendable {
  let loop: EventLoop
  let store: StoreClient
  private static let unitsPerPage = 1000

  init(_ address: MeshAddress, on loop: EventLoop) {
    self.loop = loop
    store = StoreClient(Channel(to: address, on: loop))
  }

  /// A run with units that wait for their verdicts, and the lease to write them under.
  struct Desk: Sendable {
    let runID: String
    let token: UInt64
  }

  /// Opens a session that lives as long as this process, and answers its name.
  func attend() async throws -> String {
    let attendances = store.attend(AttendRequest(holder: "load", ttlMs: 600_000))
    guard case .opened(let opened)? = try await attendances.next()?.kind else {
      throw LoadError("the store opened no session")
    }
    Task { while try await attendances.next() != nil {} }
    return opened.session
  }

  func desk(_ runID: String, units: Int, session: String) async throws -> Desk {
    _ = try await store.createRun(
      CreateRunRequest(runId: runID, workload: "load", spec: [1], specHash: runID))
    let lease = try await store.acquireLease(AcquireLeaseRequest(session: session, name: runID))
    let desk = Desk(runID: runID, token: lease.lease?.token ?? 0)
    try await commit(desk, "start", [Fact(kind: .run(RunChange(state: .planning)))])
    var first = 0
    while first < units {
      let page = (first..<min(units, first + Self.unitsPerPage)).map { unit($0, of: runID) }
      try await commit(
        desk, "plan-\(first)", [Fact(kind: .planned(UnitsPlanned(units: page)))])
      first += page.count
    }
    try await commit(desk, "go", [Fact(kind: .run(RunChange(state: .running)))])
    return desk
  }

  private func unit(_ index: Int, of runID: String) -> Unit {
    Unit(
      id: "u\(index)", ordinal: Int64(index), unitKey: "\(runID)/\(index)",
      subject: SubjectRef(kind: "load", id: "s\(index)", contentHash: "h\(index)"),
      rubricHash: "rubric", payload: [1, 2, 3, 4], state: .open)
  }

  private func verdict(_ index: Int, of runID: String) -> Fact {
    var value = Value(kind: .number(Double(index * 7919 % 1000) / 10))
    value.scale = Scale(least: 0, most: 100)
    let verdict = Verdict(
      id: "\(runID)/v\(index)", runId: runID, unitId: "u\(index)", unitKey: "\(runID)/\(index)",
      subject: SubjectRef(kind: "load", id: "s\(index)", contentHash: "h\(index)"),
      rubricHash: "rubric", model: "m", value: value,
      reasoning: "A sentence as a model writes one, of the usual length.")
    return Fact(
      kind: .unit(UnitChange(unitId: "u\(index)", state: .succeeded, verdict: verdict)))
  }

  func commit(_ desk: Desk, _ id: String, _ facts: [Fact]) async throws {
    _ = try await store.commit(
      CommitRequest(
        commitId: "\(desk.runID)/\(id)", runId: desk.runID, leaseName: desk.runID,
        leaseToken: desk.token, facts: facts))
  }

  // MARK: - What is measured

  /// One verdict a commit, every writer one after another.
  func commits(writers: Int, each: Int) async throws -> JSONValue {
    let session = try await attend()
    let name = "c\(loop.nowNanoseconds)"
    var desks: [Desk] = []
    for index in 0..<writers {
      desks.append(try await desk("\(name)-\(index)", units: each, session: session))
    }
    let begun = loop.nowNanoseconds
    let times = try await withThrowingTaskGroup(of: Times.self) { group in
      for desk in desks {
        group.addTask(executorPreference: loop) {
          var times = Times()
          for index in 0..<each {
            let start = loop.nowNanoseconds
            try await commit(desk, "\(index)", [verdict(index, of: desk.runID)])
            times.add(nanoseconds: loop.nowNanoseconds - start)
          }
          return times
        }
      }
      return try await group.reduce(into: Times()) { $0.add($1) }
    }
    let seconds = Double(loop.nowNanoseconds - begun) / 1e9
    return [
      "verdicts": .number(writers * each), "seconds": .number(seconds),
      "verdicts_per_s": .number(Double(writers * each) / seconds),
      "p50_us": .number(times.percentile(0.5)), "p99_us": .number(times.percentile(0.99)),
    ]
  }

  /// Many verdicts, a page a commit, by a few writers.
  func fill(_ count: Int) async throws -> JSONValue {
    let session = try await attend()
    let name = "f\(loop.nowNanoseconds)"
    let writers = 8
    let each = (count + writers - 1) / writers
    let begun = loop.nowNanoseconds
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<writers {
        group.addTask(executorPreference: loop) {
          let desk = try await desk("\(name)-\(writer)", units: each, session: session)
          var first = 0
          while first < each {
            let end = min(each, first + Self.unitsPerPage)
            try await commit(
              desk, "p\(first)", (first..<end).map { verdict($0, of: desk.runID) })
            first = end
          }
        }
      }
      try await group.waitForAll()
    }
    let seconds = Double(loop.nowNanoseconds - begun) / 1e9
    return ["verdicts": .number(each * writers), "seconds": .number(seconds)]
  }

  /// Pages of all verdicts by score, one after another from the highest.
  func pages(_ count: Int) async throws -> JSONValue {
    var request = QueryVerdictsRequest(subjectKind: "load", order: .highest, limit: 100)
    var times = Times()
    var verdicts = 0
    for _ in 0..<count {
      let start = loop.nowNanoseconds
      let page = try await store.queryVerdicts(request)
      times.add(nanoseconds: loop.nowNanoseconds - start)
      verdicts += page.verdicts.count
      request.after = page.next
      if page.next.isEmpty { break }
    }
    return [
      "verdicts": .number(verdicts), "p50_us": .number(times.percentile(0.5)),
      "p95_us": .number(times.percentile(0.95)),
    ]
  }
}
