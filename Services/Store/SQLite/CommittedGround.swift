import Faults
import SQLite
import ScoreContract
import StoreBackend

/// What a review of a commit sees of the file, with all that its group has written so far.
struct CommittedGround: CommitGround {
  let writer: SQLiteWriter
  let run: WrittenRun
  /// Or leaves it to the schema to find an id that is not new.
  let looksFirst: Bool

  func unit(_ id: String) throws(Fault) -> UnitHead? {
    try writer.sql { () throws(SQLiteError) -> UnitHead? in
      let row = try writer.connection.statement(
        """
        SELECT u.key, s.state, s.skip_reason, s.tries, s.batch
        FROM units u JOIN unit_states s ON s.unit = u.key WHERE u.run = ? AND u.id = ?
        """)
      try row.bind(run.key, at: 1)
      try row.bind(id, at: 2)
      guard try row.step() else { return nil }
      defer { row.reset() }
      var unit = UnitHead(
        key: row.int64(at: 0),
        state: UnitState(rawValue: Int32(truncatingIfNeeded: row.int64(at: 1))))
      unit.skipReason = SkipReason(rawValue: Int32(truncatingIfNeeded: row.int64(at: 2)))
      unit.tries = UInt32(truncatingIfNeeded: row.int64(at: 3))
      unit.batch = row.text(at: 4)
      return unit
    }
  }

  func stages() throws(Fault) -> [Stage] {
    try writer.sql { () throws(SQLiteError) in
      try StageColumns.read(writer.connection, run: run.key)
    }
  }

  func isNewAttempt(_ callKey: String) throws(Fault) -> Bool {
    guard looksFirst else { return true }
    return try writer.sql { () throws(SQLiteError) in
      let row = try writer.connection.statement(
        "SELECT 1 FROM attempts WHERE run = ? AND call_key = ?")
      try row.bind(run.key, at: 1)
      try row.bind(callKey, at: 2)
      defer { row.reset() }
      return try !row.step()
    }
  }

  func hasVerdict(_ id: String) throws(Fault) -> Bool {
    try writer.sql { () throws(SQLiteError) in
      try writer.verdictKey(id, run.product) != nil
    }
  }

  func isNewVerdict(_ id: String) throws(Fault) -> Bool {
    guard looksFirst else { return true }
    return try !hasVerdict(id)
  }
}

/// The stages of a run, as reader and writer read them.
enum StageColumns {
  static func read(_ connection: Connection, run: Int64) throws(SQLiteError) -> [Stage] {
    var stages: [Stage] = []
    let row = try connection.statement(
      """
      SELECT position, name, state, is_fail_fast, reason FROM stages
      WHERE run = ? ORDER BY position
      """)
    try row.bind(run, at: 1)
    while try row.step() {
      stages.append(
        Stage(
          index: UInt32(truncatingIfNeeded: row.int64(at: 0)), name: row.text(at: 1),
          state: StageState(rawValue: Int32(truncatingIfNeeded: row.int64(at: 2))),
          isFailFast: row.int64(at: 3) == 1, reason: row.text(at: 4)))
    }
    return stages
  }
}
