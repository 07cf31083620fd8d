package import Faults
import SQLite
import ScoreContract

/// Something in the file that is not as it was written.
package struct StoreDamage: Sendable, Equatable {
  /// The run it concerns; empty when it is the file itself.
  package let run: String
  /// One line for a person.
  package let what: String

  package init(run: String, what: String) {
    self.run = run
    self.what = what
  }
}

extension SQLiteReader {
  /// Reads the whole file: SQLite's own check, every chain of verdicts, and every count.
  ///
  /// Takes as long as it takes; nothing when all is as it was written.
  package func verify() throws(Fault) -> [StoreDamage] {
    connection.cut(at: nil)
    do {
      return try connection.transaction(.reading) { () throws(SQLiteError) in
        var found = try connection.problems().map { StoreDamage(run: "", what: $0) }
        for run in try chains() { found += try brokenLinks(of: run) }
        return try found + strays() + wrongCounts()
      }
    } catch  where error.code == .damaged {
      return [StoreDamage(run: "", what: error.message)]
    } catch {
      throw error.storeFault(connection.path)
    }
  }

  private func chains() throws(SQLiteError) -> [(key: Int64, id: String, chain: [UInt8])] {
    let row = try connection.statement("SELECT key, id, chain FROM runs ORDER BY key")
    var runs: [(key: Int64, id: String, chain: [UInt8])] = []
    while try row.step() { runs.append((row.int64(at: 0), row.text(at: 1), row.bytes(at: 2))) }
    return runs
  }

  private static let linksQuestion = """
    SELECT \(VerdictColumns.names), u.id, v.score, v.chain,
      v.product = r.product AND v.run = e.run AND v.seq = e.seq
    FROM events e JOIN runs r ON r.key = e.run LEFT JOIN verdicts v ON v.key = e.verdict
      LEFT JOIN units u ON u.key = v.unit
    WHERE e.run = ? AND e.verdict IS NOT NULL ORDER BY e.seq
    """

  /// Each verdict's sum is made again from its row and the sum before; the run keeps the last.
  private func brokenLinks(
    of run: (key: Int64, id: String, chain: [UInt8])
  ) throws(SQLiteError) -> [StoreDamage] {
    let row = try connection.statement(composed: Self.linksQuestion)
    try row.bind(run.key, at: 1)
    defer { row.reset() }
    var found: [StoreDamage] = []
    var chain = VerdictRow.chainStart
    while try row.step() {
      let stored = row.bytes(at: 12)
      let isWhole = row.int64(at: 13) == 1 && sum(of: row, after: chain, run.id) == stored
      if !isWhole {
        found.append(
          StoreDamage(run: run.id, what: "verdict '\(row.text(at: 1))' was changed, or moved"))
      }
      chain = stored
    }
    if chain != run.chain {
      found.append(StoreDamage(run: run.id, what: "the newest verdicts of the run are missing"))
    }
    return found
  }

  private func sum(of row: Statement, after chain: [UInt8], _ runID: String) -> [UInt8] {
    guard
      let verdict = try? VerdictColumns.read(
        row, from: 0, run: runID, unit: row.text(at: 10), connection)
    else { return [] }
    let score = row.isNull(at: 11) ? nil : row.double(at: 11)
    return VerdictRow.chain(
      after: chain, verdict, score: score, body: row.bytes(at: VerdictColumns.body))
  }

  /// Verdicts of which no line of the log tells.
  private func strays() throws(SQLiteError) -> [StoreDamage] {
    let row = try connection.statement(
      """
      SELECT r.id, v.id FROM verdicts v LEFT JOIN runs r ON r.key = v.run
        LEFT JOIN events e ON e.run = v.run AND e.seq = v.seq
      WHERE e.verdict IS NOT v.key ORDER BY v.key
      """)
    var found: [StoreDamage] = []
    while try row.step() {
      let what = "the log does not tell of verdict '\(row.text(at: 1))'"
      found.append(StoreDamage(run: row.text(at: 0), what: what))
    }
    return found
  }

  /// Runs whose numbers are not those of their units and events.
  private func wrongCounts() throws(SQLiteError) -> [StoreDamage] {
    let row = try connection.statement(
      """
      SELECT r.id FROM runs r
      WHERE r.last_seq <> (SELECT count(*) FROM events e WHERE e.run = r.key)
        OR r.last_seq <> (SELECT max(seq) FROM events e WHERE e.run = r.key)
        OR r.attempts <> (SELECT count(*) FROM attempts a WHERE a.run = r.key)
        OR (r.planned, r.succeeded, r.failed, r.undetermined, r.skipped) <> (
          SELECT count(*), total(s.state = 2), total(s.state = 3), total(s.state = 4),
            total(s.state = 5)
          FROM units u JOIN unit_states s ON s.unit = u.key WHERE u.run = r.key)
      ORDER BY r.key
      """)
    var found: [StoreDamage] = []
    while try row.step() {
      found.append(
        StoreDamage(run: row.text(at: 0), what: "the run's counts are not those of its rows"))
    }
    return found
  }
}
