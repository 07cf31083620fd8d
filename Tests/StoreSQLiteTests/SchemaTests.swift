import SQLite
import ScoreContract
import StoreBackend
import TestSupport
import Testing

@testable import StoreSQLite

/// What code could get wrong is refused by the tables themselves.
@Suite(.timeLimit(.minutes(2))) struct SchemaTests {
  private static let rows = """
    INSERT INTO properties VALUES (1, 'p', 'h', 'a', 'sfr', 1, 100, NULL, NULL, x'');
    INSERT INTO norms VALUES (1, 'n', 't', '', x'');
    INSERT INTO questions VALUES (1, 'q', x'');
    INSERT INTO norm_nodes VALUES (1, 'n', 'leaf', 'primitive', 'q');
    INSERT INTO norm_nodes VALUES (1, 'n', 'all', 'composite', NULL);
    INSERT INTO use_cases VALUES (1, 'u', '', x'');
    INSERT INTO evaluations VALUES (1, 'e', 'u', NULL, 1, NULL);
    INSERT INTO evaluation_results VALUES (1, 'e', 'n', 'leaf', 'primitive', 1, 0.9, NULL);
    INSERT INTO sessions VALUES (1, 's', 'c', 'completed', 1, 2);
    INSERT INTO session_stages VALUES (1, 's', 0, 'investigation', 'i', 'completed');
    INSERT INTO session_scores VALUES
      (1, 'a', 's', 0, 'r', 'in_progress', 1, NULL, NULL, NULL, 'api', 1, NULL, NULL);
    INSERT INTO session_scores VALUES
      (1, 'b', 's', 0, 'r', 'completed', 1, 72, NULL, NULL, 'api', 1, 2, NULL);
    """

  @Test(arguments: [
    ("a second event of one sequence", "INSERT INTO events VALUES (1, 1, 0, x'', NULL)"),
    ("a second unit of one id", "UPDATE units SET id = 'u0' WHERE id = 'u1'"),
    ("a second unit of one ordinal", "UPDATE units SET ordinal = 0 WHERE id = 'u1'"),
    ("a settled call twice", "INSERT INTO attempts VALUES (1, 'call', 9, 1, '', 0)"),
    ("success without a verdict", "UPDATE unit_states SET state = 2, verdict = NULL"),
    ("failure without a reason", "UPDATE unit_states SET state = 3, verdict = NULL"),
    ("a verdict changed", "UPDATE verdicts SET score = 1"),
    ("a verdict deleted", "DELETE FROM verdicts"),
    ("a verdict of nobody", "UPDATE unit_states SET verdict = 77 WHERE unit = 1"),
    ("an unknown state", "UPDATE runs SET state = 12"),
    ("completed with open units", "UPDATE runs SET state = 7"),
    ("more ended units than planned", "UPDATE runs SET failed = 9"),
    ("a number where text belongs", "UPDATE runs SET cost_nanos = 'much'"),
    ("a property scored 11", "UPDATE properties SET score = 11, verdict = 1"),
    ("a score without its verdict", "UPDATE properties SET score = 5"),
    (
      "a composite among the results",
      "INSERT INTO evaluation_results VALUES (1, 'e', 'n', 'all', 'primitive', 1, 1, NULL)"
    ),
    (
      "a result that calls itself composite",
      "INSERT INTO evaluation_results VALUES (1, 'e', 'n', 'all', 'composite', 1, 1, NULL)"
    ),
    (
      "two results of one leaf",
      "INSERT INTO evaluation_results VALUES (1, 'e', 'n', 'leaf', 'primitive', 2, 1, NULL)"
    ),
    ("a confidence above 1", "UPDATE evaluation_results SET confidence = 1.5"),
    (
      "a second active score of a session",
      """
      INSERT INTO session_scores VALUES
        (1, 'c', 's', 0, 'r', 'pending', 1, NULL, NULL, NULL, 'api', 1, NULL, NULL)
      """
    ),
    ("a completed score without a number", "UPDATE session_scores SET total_score = NULL"),
    ("a session scored 101", "UPDATE session_scores SET total_score = 101 WHERE id = 'b'"),
    ("a lease without a token", "UPDATE leases SET token = 0"),
  ])
  func `the tables refuse`(_ rule: (what: String, sql: String)) async throws {
    try await StoreFixture.with { fixture in
      try fixture.start(units: 3)
      try fixture.commit(
        "c", [.attempt(AttemptChange(callKey: "call", state: .settled)), fixture.verdict(0)])
      let connection = fixture.writer.connection
      try connection.execute(Self.rows)
      do {
        try connection.execute(rule.sql)
        Issue.record("\(rule.what) was taken")
      } catch let error as SQLiteError {
        guard case .constraint = error.code else {
          Issue.record("\(rule.what): \(error)")
          return
        }
      }
    }
  }
}
