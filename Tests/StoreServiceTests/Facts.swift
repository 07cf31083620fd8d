import ScoreContract
import StoreContract

/// Requests and facts as a scorer would send them.
enum Facts {
  static func run(_ id: String = "r1") -> CreateRunRequest {
    CreateRunRequest(
      runId: id, workload: "columns", spec: Array("{}".utf8), specHash: "hash-\(id)",
      idempotencyKey: "")
  }

  /// Plans so many units and sets the run to work.
  static func plan(_ count: Int, of run: String = "r1") -> [Fact] {
    let units = (0..<count).map { index in
      Unit(
        id: "u\(index)", ordinal: Int64(index), stage: 0, unitKey: "key-\(run)-\(index)",
        subject: SubjectRef(kind: "entity", id: "s\(index)", contentHash: "c\(index)"),
        rubricHash: "rubric", group: "g", payload: [1, 2, 3], state: .open)
    }
    return [
      state(.planning),
      Fact(kind: .stage(StageChange(stage: Stage(index: 0, name: "score", state: .stagePending)))),
      Fact(kind: .planned(UnitsPlanned(units: units))),
      state(.running),
    ]
  }

  static func state(_ state: RunState) -> Fact { Fact(kind: .run(RunChange(state: state))) }

  static func note(_ text: String) -> Fact { Fact(kind: .note(Note(code: "NOTE", text: text))) }

  static func success(_ index: Int, of run: String = "r1", value: Value? = nil) -> Fact {
    let verdict = Verdict(
      id: "v-\(run)-\(index)", runId: run, unitId: "u\(index)", unitKey: "key-\(run)-\(index)",
      subject: SubjectRef(kind: "entity", id: "s\(index)", contentHash: "c\(index)"),
      rubricHash: "rubric", model: "sim-1",
      value: value ?? Value(kind: .number(Double(index) / 2), scale: Scale(least: 0, most: 1000)),
      reasoning: "because, \"\(index)\"\r\nof it",
      confidence: Confidence(probability: 0.5, kind: .verbalised),
      flags: ["coerced"], callKeys: ["call-\(index)"], detail: Array(#"{"a": 1}"#.utf8))
    return Fact(
      kind: .unit(UnitChange(unitId: "u\(index)", state: .succeeded, verdict: verdict)))
  }

  static func commit(
    _ id: String, _ facts: [Fact], of run: String = "r1", under lease: Lease
  ) -> CommitRequest {
    CommitRequest(
      commitId: id, runId: run, leaseName: lease.name, leaseToken: lease.token, facts: facts)
  }
}
