import Failpoints
package import SQLite

/// The tables, forwards only, each step in one transaction with its number.
///
/// Lines and the versions of budgets, prices, keys and products are only ever added: the file
/// itself refuses anything else. Their last column chains them: SHA-256 over the chain of the row
/// before and over the row's values. Accounts and spend are sums of lines, kept to be fast.
package enum LedgerSchema {
  /// `Algr` in ASCII.
  package static let applicationID: Int32 = 0x416C_6772
  package static let migrations = [first, second, third, fourth]
  package static var latest: Int32 { Int32(migrations.count) }
  /// Tables whose rows stay as they were written.
  package static let appended = [
    "lines", "budget_versions", "price_versions", "key_versions", "product_versions",
    "change_log", "predictions",
  ]

  package static func bringUpToDate(
    _ connection: Connection, to last: Int32 = latest
  ) throws(SQLiteError) {
    let version = try connection.userVersion
    for (index, sql) in migrations.enumerated() {
      let number = Int32(index) + 1
      guard number > version, number <= last else { continue }
      Failpoint.pass("ledger.migration.before-begin")
      try connection.transaction(.writing) { () throws(SQLiteError) in
        try connection.execute(sql)
        try connection.execute(guards(of: number))
        try connection.setApplicationID(applicationID)
        try connection.setUserVersion(number)
        Failpoint.pass("ledger.migration.before-commit")
      }
      Failpoint.pass("ledger.migration.after-commit")
    }
  }

  /// Tables of a later step than the first.
  private static let laterTables: [String: Int32] = ["change_log": 2, "predictions": 4]

  /// Of the tables that a step has made.
  private static func guards(of step: Int32) -> String {
    appended.filter { (laterTables[$0] ?? 1) == step }.flatMap { table in
      ["UPDATE", "DELETE"].map { verb in
        """
        CREATE TRIGGER \(table)_no_\(verb.lowercased()) BEFORE \(verb) ON \(table)
        BEGIN SELECT RAISE(ABORT, 'the ledger is only added to'); END;
        """
      }
    }.joined(separator: "\n")
  }

  private static let first = """
    CREATE TABLE epochs (
      number INTEGER PRIMARY KEY,
      boot TEXT NOT NULL,
      opened_at INTEGER NOT NULL,
      closed_at INTEGER,
      seen_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE lines (
      number INTEGER PRIMARY KEY,
      kind INTEGER NOT NULL CHECK (kind IN (1, 2, 3)),
      attempt INTEGER NOT NULL,
      call_key TEXT NOT NULL,
      product TEXT NOT NULL,
      api_key TEXT NOT NULL,
      run TEXT NOT NULL,
      model TEXT NOT NULL,
      provider TEXT NOT NULL,
      attempt_kind INTEGER NOT NULL,
      is_batched INTEGER NOT NULL CHECK (is_batched IN (0, 1)),
      state INTEGER NOT NULL CHECK (state IN (3, 4, 5)),
      standing INTEGER NOT NULL,
      outcome INTEGER NOT NULL,
      answered_model TEXT NOT NULL,
      request_id TEXT NOT NULL,
      fresh_input INTEGER NOT NULL CHECK (fresh_input >= 0),
      cache_read INTEGER NOT NULL CHECK (cache_read >= 0),
      cache_write_short INTEGER NOT NULL CHECK (cache_write_short >= 0),
      cache_write_long INTEGER NOT NULL CHECK (cache_write_long >= 0),
      output INTEGER NOT NULL CHECK (output >= 0),
      reasoning INTEGER NOT NULL CHECK (reasoning >= 0),
      web_searches INTEGER NOT NULL CHECK (web_searches >= 0),
      price_version TEXT NOT NULL,
      bound INTEGER NOT NULL CHECK (bound >= 0),
      cost INTEGER NOT NULL CHECK (cost >= 0),
      flags INTEGER NOT NULL,
      accounts TEXT NOT NULL,
      reserved_op INTEGER NOT NULL,
      reserved_at INTEGER NOT NULL,
      sent_op INTEGER NOT NULL,
      sent_at INTEGER NOT NULL,
      ended_op INTEGER NOT NULL,
      ended_at INTEGER NOT NULL,
      corrects INTEGER NOT NULL,
      evidence TEXT NOT NULL,
      chain BLOB NOT NULL CHECK (length(chain) = 32)
    ) STRICT;
    CREATE UNIQUE INDEX lines_by_attempt ON lines (attempt) WHERE kind = 1;
    CREATE UNIQUE INDEX lines_by_correction ON lines (corrects) WHERE kind = 3;
    CREATE INDEX lines_by_run ON lines (product, run, number) WHERE run <> '';
    CREATE INDEX lines_uncertain ON lines (number) WHERE state = 5;

    CREATE TABLE calls (
      product TEXT NOT NULL,
      call_key TEXT NOT NULL,
      request_hash BLOB NOT NULL,
      settled_line INTEGER,
      PRIMARY KEY (product, call_key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE replies (
      line INTEGER PRIMARY KEY REFERENCES lines (number),
      kept_at INTEGER NOT NULL,
      digest BLOB NOT NULL,
      bytes BLOB NOT NULL
    ) STRICT;

    CREATE TABLE accounts (
      id INTEGER PRIMARY KEY,
      budget TEXT NOT NULL,
      subject TEXT NOT NULL,
      window_start INTEGER NOT NULL,
      window_end INTEGER NOT NULL,
      settled INTEGER NOT NULL CHECK (settled >= 0),
      uncertain INTEGER NOT NULL CHECK (uncertain >= 0),
      ceiling INTEGER NOT NULL CHECK (ceiling >= settled + uncertain),
      UNIQUE (budget, window_start, subject)
    ) STRICT;
    CREATE TABLE spend (
      day INTEGER NOT NULL,
      product TEXT NOT NULL,
      api_key TEXT NOT NULL,
      run TEXT NOT NULL,
      model TEXT NOT NULL,
      provider TEXT NOT NULL,
      attempts INTEGER NOT NULL,
      settled INTEGER NOT NULL,
      uncertain INTEGER NOT NULL,
      input_tokens INTEGER NOT NULL,
      output_tokens INTEGER NOT NULL,
      PRIMARY KEY (product, day, api_key, run, model, provider)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE budget_versions (
      number INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      product TEXT NOT NULL,
      api_key TEXT NOT NULL,
      run TEXT NOT NULL,
      model TEXT NOT NULL,
      period INTEGER NOT NULL CHECK (period IN (1, 2, 3)),
      zone TEXT NOT NULL,
      cap INTEGER NOT NULL CHECK (cap >= 0),
      is_removed INTEGER NOT NULL CHECK (is_removed IN (0, 1)),
      operation INTEGER NOT NULL,
      set_at INTEGER NOT NULL,
      note TEXT NOT NULL,
      chain BLOB NOT NULL
    ) STRICT;
    CREATE INDEX budget_versions_by_name ON budget_versions (name, number);
    CREATE TABLE price_versions (
      number INTEGER PRIMARY KEY,
      model TEXT NOT NULL,
      version TEXT NOT NULL,
      from_at INTEGER NOT NULL,
      input INTEGER NOT NULL,
      output INTEGER NOT NULL,
      cache_read INTEGER NOT NULL,
      cache_write_short INTEGER NOT NULL,
      cache_write_long INTEGER NOT NULL,
      thousand_web_searches INTEGER NOT NULL,
      batch_percent INTEGER NOT NULL,
      surcharge_above INTEGER NOT NULL,
      surcharge_percent INTEGER NOT NULL,
      set_at INTEGER NOT NULL,
      note TEXT NOT NULL,
      chain BLOB NOT NULL,
      UNIQUE (model, version)
    ) STRICT;
    CREATE TABLE key_versions (
      number INTEGER PRIMARY KEY,
      hash BLOB NOT NULL CHECK (length(hash) = 32),
      name TEXT NOT NULL,
      product TEXT NOT NULL,
      role TEXT NOT NULL,
      limits BLOB NOT NULL,
      is_revoked INTEGER NOT NULL CHECK (is_revoked IN (0, 1)),
      set_at INTEGER NOT NULL,
      note TEXT NOT NULL,
      chain BLOB NOT NULL
    ) STRICT;
    CREATE TABLE product_versions (
      number INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      limits BLOB NOT NULL,
      is_removed INTEGER NOT NULL CHECK (is_removed IN (0, 1)),
      set_at INTEGER NOT NULL,
      note TEXT NOT NULL,
      chain BLOB NOT NULL
    ) STRICT;
    """

  /// Who changed what: the versions say what became of it, this says who asked.
  private static let second = """
    CREATE TABLE change_log (
      number INTEGER PRIMARY KEY,
      at INTEGER NOT NULL,
      origin TEXT NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      subject TEXT NOT NULL,
      detail TEXT NOT NULL,
      chain BLOB NOT NULL CHECK (length(chain) = 32)
    ) STRICT;
    """

  /// What an epoch and its journal of settlements know each other by.
  private static let third = """
    ALTER TABLE epochs ADD COLUMN life BLOB NOT NULL DEFAULT x'';
    """

  /// What was expected of prompt caches, beside the lines that say what came: of attempts of which
  /// nothing was expected there is no row.
  private static let fourth = """
    CREATE TABLE predictions (
      number INTEGER PRIMARY KEY,
      line INTEGER NOT NULL UNIQUE REFERENCES lines (number),
      cache_read INTEGER NOT NULL CHECK (cache_read > 0),
      chain BLOB NOT NULL CHECK (length(chain) = 32)
    ) STRICT;
    """
}
