import SQLite
import ScoreContract

/// The columns of a verdict as every question for one names them, and the verdict in them.
enum VerdictColumns {
  static let names = """
    v.key, v.id, v.unit_key, v.subject_kind, v.subject_id, v.subject_hash, v.rubric_hash,
    v.model, v.at, v.body
    """
  static let body: Int32 = 9

  static func read(
    _ row: Statement, from first: Int32, run: String, unit: String, _ connection: Connection
  ) throws(SQLiteError) -> Verdict {
    var verdict = try connection.unpacked(Verdict.self, row, at: first + body)
    verdict.id = row.text(at: first + 1)
    verdict.runId = run
    verdict.unitId = unit
    verdict.unitKey = row.text(at: first + 2)
    verdict.subject = subject(row, from: first + 3)
    verdict.rubricHash = row.text(at: first + 6)
    verdict.model = row.text(at: first + 7)
    verdict.committedAtUs = row.int64(at: first + 8)
    return verdict
  }

  /// Kind, id and hash in three columns, or none.
  static func subject(_ row: Statement, from first: Int32) -> SubjectRef? {
    if row.isNull(at: first) { return nil }
    return SubjectRef(
      kind: row.text(at: first), id: row.text(at: first + 1),
      contentHash: row.text(at: first + 2))
  }
}
