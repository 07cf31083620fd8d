import Machine
import SQLite

/// The store's file as it lies there, read with SQL of the proof's own: it trusts nothing that the
/// store says of it.
enum ProofDatabase {
  private struct Question {
    let what: String
    /// Names of what is wrong; no row when nothing is.
    let sql: String
  }

  private static let questions = [
    Question(
      what: "the log has a gap, or another end than its run says",
      sql: """
        SELECT r.id FROM runs r LEFT JOIN events e ON e.run = r.key GROUP BY r.key
        HAVING count(e.seq) <> r.last_seq OR ifnull(min(e.seq), 1) <> 1
          OR ifnull(max(e.seq), 0) <> r.last_seq
        """),
    Question(
      what: "a unit has more than one verdict",
      sql: """
        SELECT r.id || '/' || u.id FROM verdicts v JOIN units u ON u.key = v.unit
        JOIN runs r ON r.key = u.run GROUP BY v.unit HAVING count(*) > 1
        """),
    Question(
      what: "a unit that succeeded has no verdict of its own",
      sql: """
        SELECT r.id || '/' || u.id FROM unit_states s JOIN units u ON u.key = s.unit
        JOIN runs r ON r.key = u.run LEFT JOIN verdicts v ON v.key = s.verdict
        WHERE s.state = 2 AND (v.key IS NULL OR v.unit <> u.key OR v.score IS NULL)
        """),
    Question(
      what: "a verdict belongs to no unit that succeeded",
      sql: """
        SELECT r.id || '/' || v.id FROM verdicts v JOIN runs r ON r.key = v.run
        LEFT JOIN unit_states s ON s.verdict = v.key AND s.state IN (2, 4) WHERE s.unit IS NULL
        """),
    Question(
      what: "the totals are not those of the units",
      sql: """
        SELECT r.id FROM runs r LEFT JOIN units u ON u.run = r.key
        LEFT JOIN unit_states s ON s.unit = u.key GROUP BY r.key
        HAVING r.planned <> count(u.key) OR r.succeeded <> count(s.state = 2 OR NULL)
          OR r.failed <> count(s.state = 3 OR NULL)
          OR r.undetermined <> count(s.state = 4 OR NULL)
          OR r.skipped <> count(s.state = 5 OR NULL)
        """),
    Question(
      what: "the cost is not that of the calls",
      sql: """
        SELECT r.id FROM runs r LEFT JOIN attempts a ON a.run = r.key GROUP BY r.key
        HAVING r.attempts <> count(a.call_key) OR r.cost_nanos <> ifnull(sum(a.cost_nanos), 0)
        """),
  ]

  private static let rowsMax = 20

  /// What is wrong with it; empty when nothing is.
  static func findings(in folder: String) throws -> [String] {
    let files = Files.entries(of: folder).filter { $0.hasSuffix(".db") }
    guard !files.isEmpty else { return ["there is no database in \(folder)"] }
    var findings: [String] = []
    for file in files {
      do {
        try ask("\(folder)/\(file)", named: file, &findings)
      } catch {
        findings.append("\(file) cannot be read: \(error.message)")
      }
    }
    return findings
  }

  private static func ask(
    _ path: String, named file: String, _ findings: inout [String]
  ) throws(SQLiteError) {
    let connection = try Connection(path, ConnectionOptions(.readOnly))
    findings += try connection.problems().map { "\(file): \($0)" }
    for question in questions {
      let statement = try connection.statement(composed: question.sql)
      var count = 0
      while try statement.step(), count < rowsMax {
        findings.append("\(file): \(question.what): \(statement.text(at: 0))")
        count += 1
      }
      statement.reset()
    }
  }
}
