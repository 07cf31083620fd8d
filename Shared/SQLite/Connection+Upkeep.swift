import CSQLite

extension Connection {
  // MARK: - Transactions

  /// When a transaction takes the lock for writing.
  package enum TransactionKind: Sendable {
    case reading
    case writing
  }

  /// Opens a transaction; one that writes takes its lock at once.
  package func begin(_ kind: TransactionKind) throws(SQLiteError) {
    switch kind {
    case .writing: try statement("BEGIN IMMEDIATE").run()
    case .reading: try statement("BEGIN").run()
    }
  }

  package func commit() throws(SQLiteError) {
    try statement("COMMIT").run()
  }

  /// Takes everything back; does nothing when SQLite has done so already.
  package func rollBack() {
    guard isInTransaction else { return }
    try? statement("ROLLBACK").run()
  }

  /// All of `body` or nothing; a reading transaction sees one state of the file.
  package func transaction<R>(
    _ kind: TransactionKind, _ body: () throws(SQLiteError) -> R
  ) throws(SQLiteError) -> R {
    try begin(kind)
    do {
      let result = try body()
      try commit()
      return result
    } catch {
      rollBack()
      throw error
    }
  }

  /// All of `body` or nothing, within a transaction.
  package func savepoint<R>(_ body: () throws(SQLiteError) -> R) throws(SQLiteError) -> R {
    try statement("SAVEPOINT step").run()
    do {
      let result = try body()
      try statement("RELEASE step").run()
      return result
    } catch {
      // A full disk or a broken one may have ended the whole transaction.
      if isInTransaction {
        try? statement("ROLLBACK TO step").run()
        try? statement("RELEASE step").run()
      }
      throw error
    }
  }

  // MARK: - The file

  package var applicationID: Int32 {
    get throws(SQLiteError) { Int32(truncatingIfNeeded: try number("PRAGMA application_id")) }
  }

  package func setApplicationID(_ id: Int32) throws(SQLiteError) {
    try execute("PRAGMA application_id = \(id)")
  }

  package var userVersion: Int32 {
    get throws(SQLiteError) { Int32(truncatingIfNeeded: try number("PRAGMA user_version")) }
  }

  package func setUserVersion(_ version: Int32) throws(SQLiteError) {
    try execute("PRAGMA user_version = \(version)")
  }

  /// Bytes of the database without its log.
  package var fileBytes: Int64 {
    get throws(SQLiteError) {
      try number("PRAGMA page_count") * number("PRAGMA page_size")
    }
  }

  /// Pages that the file may have; more are refused as if the disk were full.
  package func setPagesMax(_ count: Int) throws(SQLiteError) {
    try execute("PRAGMA max_page_count = \(count)")
  }

  /// How far a checkpoint goes.
  package enum Checkpoint: Sendable {
    /// As far as it comes without waiting for anybody.
    case passive
    /// All of it, and the log is cut to nothing; busy while somebody reads an old state.
    case truncate
  }

  /// Moves pages from the log into the file; says how many the log has, and how many are moved.
  @discardableResult
  package func checkpoint(
    _ kind: Checkpoint
  ) throws(SQLiteError) -> (pages: Int, moved: Int) {
    var pages: Int32 = 0
    var moved: Int32 = 0
    let mode = kind == .passive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE
    let code = unsafe sqlite3_wal_checkpoint_v2(handle, nil, mode, &pages, &moved)
    try check(code, sql: "checkpoint")
    if kind == .truncate { forgetWALPages() }
    return (Int(pages), Int(moved))
  }

  /// What SQLite finds wrong with the file; nothing when it is whole. Reads all of it.
  package func problems() throws(SQLiteError) -> [String] {
    var found: [String] = []
    let sql = "PRAGMA integrity_check(\(SQLiteLimits.problemsMax))"
    let check = try statement(composed: sql)
    while try check.step() { found.append(check.text(at: 0)) }
    return found == ["ok"] ? [] : found
  }
}

/// The library under this module.
package enum SQLiteLibrary {
  /// `3.40.1`
  package static var version: String { unsafe String(cString: sqlite3_libversion()) }

  /// Whether two connections that write or checkpoint at once can damage a file (fixed in 3.51.3).
  package static var hasWALResetBug: Bool { sqlite3_libversion_number() < 3_051_003 }
}
