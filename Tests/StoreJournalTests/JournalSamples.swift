import Digest
import Faults
import Machine
import ScoreContract
import StoreBackend
import StoreContract
import StoreJournal

/// Orders of every kind, and the bytes of a journal that holds some.
enum JournalSamples {
  static let product = ProductScope.standard

  static func commit(_ id: String, note: String = "n") throws -> WriteOrder {
    let verdict = Verdict(id: "v\(id)", value: Value(kind: .number(4.5)), reasoning: note)
    return try .commit(
      product,
      CommitRequest(
        commitId: id, runId: "run", leaseName: "lease", leaseToken: .max,
        facts: [
          Fact(kind: .unit(UnitChange(unitId: "u", state: .succeeded, verdict: verdict))),
          Fact(kind: .note(Note(code: "WAITS", text: "n"))),
        ]))
  }

  static func everyKind() throws -> [WriteOrder] {
    let rubric = Rubric(hash: "h", name: "house", version: 3, body: [1, 2])
    let label = Label(id: "l", subject: SubjectRef(kind: "k", id: "i"), rubricName: "house")
    return [
      .createRun(product, CreateRunRequest(runId: "", workload: "ä", spec: [9], specHash: "s")),
      .requestOfRun(try ProductScope("other"), RequestOfRunRequest(runId: "r", request: .cancel)),
      try commit("c"), .putRubric(product, rubric), .putLabels(product, []),
      .putLabels(product, [label, label]),
      .acquireLease(product, name: "", session: "s"),
      .endLease(product, name: "n", token: .max),
    ]
  }

  static func record(_ number: Int64, base: Int64? = nil, note: String = "n") throws
    -> JournalRecord
  {
    JournalRecord(
      number: number, base: base ?? number - 1,
      kind: .orders([try commit("c\(number)", note: note)], atMicroseconds: number * 10))
  }

  static func void(_ number: Int64, base: Int64) -> JournalRecord {
    JournalRecord(number: number, base: base, kind: .void)
  }

  /// As a file of so many blocks, one record behind the other from the first block on.
  static func bytes(
    _ records: [JournalRecord], of life: JournalLife, over before: [UInt8]? = nil,
    blocks: Int = 32
  ) -> [UInt8] {
    var bytes = before ?? [UInt8](repeating: 0, count: blocks * JournalLimits.blockBytes)
    var offset = 0
    for record in records {
      let written = (record.pieces(in: life) ?? []).flatMap { $0 }
      let room = DirectFile.room(for: written.count)
      let zeros = [UInt8](repeating: 0, count: room - written.count)
      bytes.replaceSubrange(offset..<offset + room, with: written + zeros)
      offset += room
    }
    return bytes
  }
}
