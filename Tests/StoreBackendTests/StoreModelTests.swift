import Faults
import ScoreContract
import StoreBackend
import StoreContract
import Testing

@Suite struct StoreModelTests {
  private let store = ModelStore()

  private func refusal(_ body: (ModelStore) throws(Fault) -> Void) -> String? {
    reason { () throws(Fault) in try body(store) }
  }

  // MARK: - Runs

  @Test func `a key made a run once, and the same spec gets it again`() throws {
    _ = try store.create("a", key: "key")
    guard case .runCreated(let again, _) = try store.create("b", key: "key") else { return }
    #expect(again.isReplay && again.run?.id == "a")
    #expect(
      refusal { (it) throws(Fault) in _ = try it.create("c", hash: "x", key: "key") }
        == "IDEMPOTENCY_KEY_REUSED")
    #expect(
      refusal { (it) throws(Fault) in _ = try it.create("a", hash: "x") } == "RUN_EXISTS")
    guard case .runCreated(let lost, _) = try store.create("a") else { return }
    #expect(lost.isReplay && lost.run?.lastSeq == 1)
  }

  @Test func `another product's run is as unknown as none`() throws {
    try store.reach(.running)
    let other = try ProductScope("other")
    #expect(
      refusal { (it) throws(Fault) in _ = try it.model.run("run", of: other) } == "UNKNOWN_RUN")
  }

  @Test func `an ended run takes nothing but its resume`() throws {
    try store.reach(.partial)
    let note = Fact.Kind.note(Note(code: "A", text: ""))
    #expect(refusal { (it) throws(Fault) in try it.commit(note) } == "RUN_ENDED")
    let running = Fact.Kind.run(RunChange(state: .running))
    #expect(refusal { (it) throws(Fault) in try it.commit(running) } == "RUN_ENDED")
    let events = try store.ask(.resume, cap: 9)
    #expect(events.count == 1)
    #expect(try store.ask(.resume, cap: 9).isEmpty)
    #expect(refusal { (it) throws(Fault) in try it.commit(note) } == "RUN_ENDED")
    try store.commit(running, note)
    let run = try store.run()
    #expect(run.generation == 1 && run.requested == .unspecified)
    #expect(run.options?.budgetCapNanos == 9)
  }

  @Test func `whoever works on a run is told which want it`() throws {
    try store.reach(.paused)
    #expect(try store.model.runsWantingOwner().isEmpty)
    _ = try store.ask(.cancel)
    #expect(try store.model.runsWantingOwner().map(\.runID) == ["run"])
    #expect(refusal { (it) throws(Fault) in _ = try it.ask(.resume) } == "RUN_STATE")
  }

  // MARK: - Commits

  @Test func `the same commit again is answered as the first time`() throws {
    try store.reach(.running)
    let note = Fact.Kind.note(Note(code: "A", text: "one"))
    let first = try store.commit(note, id: "c")
    let again = try store.commit(note, id: "c", token: 77)
    #expect(again.isReplay && again.firstSeq == first.firstSeq)
    #expect(again.committedAtUs == first.committedAtUs)
    let other = Fact.Kind.note(Note(code: "A", text: "two"))
    #expect(
      refusal { (it) throws(Fault) in try it.commit(other, id: "c") } == "COMMIT_ID_REUSED")
  }

  @Test func `a lease that is lost refuses its late writer`() throws {
    try store.reach(.running)
    let note = Fact.Kind.note(Note(code: "A", text: ""))
    #expect(refusal { (it) throws(Fault) in try it.commit(note, lease: "") } == "LEASE_REQUIRED")
    try store.write(.acquireLease(store.product, name: "run", session: "other"))
    #expect(refusal { (it) throws(Fault) in try it.commit(note, token: 1) } == "LEASE_LOST")
    try store.commit(note, token: 2)
    try store.write(.endLease(store.product, name: "run", token: 1))
    try store.commit(note, token: 2)
    try store.write(.endLease(store.product, name: "run", token: 2))
    #expect(refusal { (it) throws(Fault) in try it.commit(note, token: 2) } == "LEASE_LOST")
    #expect(
      try store.write(.acquireLease(store.product, name: "run", session: "s"))
        == .leaseAcquired(token: 3))
  }

  @Test func `one fact that is refused refuses its commit whole`() throws {
    try store.reach(.running)
    let before = try store.run()
    let skip = store.skipped("u0")
    #expect(
      refusal { (it) throws(Fault) in
        try it.commit(skip, it.skipped("nobody"))
      } == "UNKNOWN_UNIT")
    #expect(try store.run() == before)
    #expect(try store.unit("u0")?.state == .open)
  }

  @Test func `an ended unit opens again only where a resume can do better`() throws {
    try store.reach(.running)
    let open = Fact.Kind.unit(UnitChange(unitId: "u0", state: .open, tries: 1, batch: "7"))
    try store.commit(open)
    #expect(try store.unit("u0")?.tries == 1)
    try store.commit(store.skipped("u0", .limit), open, store.skipped("u0", .filtered))
    #expect(refusal { (it) throws(Fault) in try it.commit(open) } == "UNIT_ENDED")
    #expect(try store.unit("u0")?.batch == "7")
    #expect(try store.run().totals?.skipped == 1)
  }

  @Test func `a unit without a value has none`() throws {
    try store.reach(.running)
    for verdict in [
      ModelStore.verdict("v", value: nil), ModelStore.verdict("v", value: .number(.nan)),
    ] {
      #expect(refusal { (it) throws(Fault) in try it.commit(it.answered("u0", verdict)) } != nil)
    }
    #expect(try store.unit("u0")?.state == .open)
  }

  @Test func `a verdict and a call are written once`() throws {
    try store.reach(.running)
    let call = Fact.Kind.attempt(AttemptChange(callKey: "c", state: .settled))
    let verdict = ModelStore.verdict("v")
    try store.commit(call, store.answered("u0", verdict))
    #expect(refusal { (it) throws(Fault) in try it.commit(call) } == "ATTEMPT_EXISTS")
    #expect(
      refusal { (it) throws(Fault) in
        try it.commit(it.answered("u1", verdict))
      } == "VERDICT_EXISTS")
    let stored = try store.model.verdict("v", of: store.product)
    #expect(stored.runId == "run" && stored.unitId == "u0" && stored.committedAtUs > 0)
  }

  @Test func `facts that make no sense are refused before they are looked up`() throws {
    try store.reach(.running)
    let senseless: [Fact.Kind] = [
      .run(RunChange(state: .unspecified)), .run(RunChange(state: .paused, outcome: [0x31])),
      .run(RunChange(state: .paused, requested: .pause)), .stage(StageChange()),
      .planned(UnitsPlanned()), .unit(UnitChange(unitId: "u0", state: .unrecognized(9))),
      .unit(UnitChange(unitId: "u0", state: .unitFailed)),
      .unit(UnitChange(unitId: "u\0", state: .open)),
      .unit(UnitChange(unitId: "u0", state: .skipped, skipReason: .cached)),
      .attempt(AttemptChange(callKey: "c", state: .settled, usage: Usage(costNanos: -1))),
      .planned(UnitsPlanned(units: [Unit(id: "x", ordinal: .max), Unit(id: "y", ordinal: 0)])),
      .note(Note(code: "", text: "")),
    ]
    for fact in senseless {
      #expect(refusal { (it) throws(Fault) in try it.commit(fact) } == "BAD_REQUEST", "\(fact)")
    }
  }

  @Test func `a cursor behind the end of the log is refused`() throws {
    try store.reach(.running)
    let last = try store.run().lastSeq
    #expect(
      try store.model.events(of: "run", after: last, countMax: 9, of: store.product).isEmpty)
    for seq in [-1, last + 1] {
      #expect(
        refusal { (it) throws(Fault) in
          _ = try it.model.events(of: "run", after: seq, countMax: 9, of: it.product)
        } == "BAD_CURSOR")
    }
  }
}
