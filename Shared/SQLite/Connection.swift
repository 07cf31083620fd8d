// SQLite: one database file as connections, statements, rows and errors, on the system's library.
// It knows no table of ours, writes no SQL but what opens and keeps a file, and never puts a value
// into the text of a statement or of an error. A connection belongs to one thread at a time.
// Limits: `SQLiteLimits`.

import CSQLite
import Glibc

/// Bounds on what a connection keeps.
package enum SQLiteLimits {
  /// Statements that were put together at run time and are kept; then all of them go.
  package static let composedStatementsMax = 64
  /// Steps of SQLite's machine between two looks at a deadline: some 50 µs.
  package static let stepsBetweenLooks: Int32 = 2_000
  /// Problems that an integrity check tells.
  package static let problemsMax = 20
}

/// How a file is opened.
package struct ConnectionOptions: Sendable {
  package enum Access: Sendable {
    case readWrite
    case readOnly
  }

  package enum Synchronous: String, Sendable {
    /// Every commit is on the disk when it returns.
    case full = "FULL"
    /// A crash of the process loses nothing, a power cut the newest commits.
    case normal = "NORMAL"
    case off = "OFF"
  }

  package var access = Access.readWrite
  package var synchronous = Synchronous.full
  package var busyTimeoutMilliseconds: Int32 = 0
  package enum Journal: String, Sendable {
    case wal = "WAL"
    /// No file beside the database once a transaction is over: for copies.
    case rollback = "DELETE"
  }

  package var journal = Journal.wal
  /// Pages of cache.
  package var cachePages = 2_000
  /// 4,096 unless the file exists already.
  package var pageBytes = 4_096

  package init(_ access: Access = .readWrite) { self.access = access }
}

/// One connection to one database file; closed when it goes out of scope.
///
/// It never checkpoints by itself: whoever writes says when. Not thread safe.
@safe package final class Connection {
  let handle: OpaquePointer
  package let path: String
  private let watch = QueryWatch()
  /// Pages of the log after the latest commit of this connection.
  private let wal = WALPages()
  private var literals: [UInt: Statement] = [:]
  private var composed: [String: Statement] = [:]

  /// Opens the file; creates it when it is opened for writing and is not there.
  package init(_ path: String, _ options: ConnectionOptions) throws(SQLiteError) {
    let access =
      options.access == .readWrite
      ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY
    var raw: OpaquePointer?
    let layer = LogFile.layer
    let code = unsafe sqlite3_open_v2(
      path, &raw, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      options.access == .readWrite && options.synchronous == .full ? layer : nil)
    guard code == SQLITE_OK, let handle = unsafe raw else {
      let error = unsafe raw.map { unsafe SQLiteError(code, on: $0, sql: "") }
      unsafe sqlite3_close_v2(raw)
      throw error ?? SQLiteError(code, message: "cannot open \(path)")
    }
    unsafe self.handle = handle
    self.path = path
    try configure(options)
  }

  deinit {
    literals.removeAll()
    composed.removeAll()
    // A statement that somebody still holds keeps the file open until it is gone.
    unsafe sqlite3_close_v2(handle)
  }

  private func configure(_ options: ConnectionOptions) throws(SQLiteError) {
    unsafe sqlite3_busy_timeout(handle, options.busyTimeoutMilliseconds)
    // The schema is ours, and so is no trick that a crafted file would play with it.
    for (option, value) in [
      (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
      (SQLITE_DBCONFIG_DQS_DDL, 0), (SQLITE_DBCONFIG_DQS_DML, 0),
      (SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1), (SQLITE_DBCONFIG_ENABLE_FKEY, 1),
    ] as [(Int32, Int32)] {
      try check(unsafe assay_sqlite_switch(handle, option, value))
    }
    try execute("PRAGMA mmap_size = 0")
    try execute("PRAGMA cache_size = \(options.cachePages)")
    try execute("PRAGMA temp_store = MEMORY")
    if options.access == .readWrite {
      try execute("PRAGMA page_size = \(options.pageBytes)")
      // First: a log that is held back relies on it.
      try execute("PRAGMA synchronous = \(options.synchronous.rawValue)")
      try execute("PRAGMA journal_mode = \(options.journal.rawValue)")
    }
    try execute("PRAGMA wal_autocheckpoint = 0")
    let place = unsafe Unmanaged.passUnretained(wal).toOpaque()
    unsafe sqlite3_wal_hook(
      handle,
      { place, _, _, pages in
        guard let place = unsafe place else { return SQLITE_OK }
        let wal = unsafe Unmanaged<WALPages>.fromOpaque(place).takeUnretainedValue()
        wal.count = Int(pages)
        return SQLITE_OK
      }, place)
  }

  func check(_ code: Int32, sql: String = "") throws(SQLiteError) {
    if code != SQLITE_OK { throw unsafe SQLiteError(code, on: handle, sql: sql) }
  }

  // MARK: - Statements

  /// Runs one statement once, or several with `;` between them; answers are dropped.
  package func execute(_ sql: String) throws(SQLiteError) {
    try check(unsafe sqlite3_exec(handle, sql, nil, nil, nil), sql: sql)
  }

  /// The statement of a literal, prepared at its first use and kept; rows that were
  /// left of its last use are given up.
  package func statement(_ sql: StaticString) throws(SQLiteError) -> Statement {
    let key = unsafe UInt(bitPattern: sql.utf8Start)
    if let known = literals[key] {
      known.freshen()
      return known
    }
    let fresh = try unsafe Statement(sql.description, on: handle, isKept: true)
    literals[key] = fresh
    return fresh
  }

  /// The same for a text that was put together from literals.
  package func statement(composed sql: String) throws(SQLiteError) -> Statement {
    if let known = composed[sql] {
      known.freshen()
      return known
    }
    if composed.count >= SQLiteLimits.composedStatementsMax { composed.removeAll() }
    let fresh = try unsafe Statement(sql, on: handle, isKept: true)
    composed[sql] = fresh
    return fresh
  }

  /// The first column of the first row, 0 when there is none.
  package func number(_ sql: String) throws(SQLiteError) -> Int64 {
    let statement = try unsafe Statement(sql, on: handle, isKept: false)
    return try statement.step() ? statement.int64(at: 0) : 0
  }

  /// Rows that the latest statement changed.
  package var changes: Int { unsafe Int(sqlite3_changes64(handle)) }

  /// The key of the row that was inserted last.
  package var lastKey: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

  /// Whether a transaction is open.
  package var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

  /// Pages of the write-ahead log after this connection's latest commit.
  package var walPages: Int { wal.count }

  /// The log was moved whole: the next commit begins it again.
  package func forgetWALPages() { wal.count = 0 }

  // MARK: - Cutting a question

  /// Questions end with `.interrupted` when this instant has passed, until it is taken back.
  package func cut(at deadline: ContinuousClock.Instant?) {
    watch.deadline = deadline
    guard deadline != nil else { return unsafe sqlite3_progress_handler(handle, 0, nil, nil) }
    unsafe sqlite3_progress_handler(
      handle, SQLiteLimits.stepsBetweenLooks,
      { place in
        guard let place = unsafe place else { return 0 }
        let watch = unsafe Unmanaged<QueryWatch>.fromOpaque(place).takeUnretainedValue()
        return watch.isOver ? 1 : 0
      }, Unmanaged.passUnretained(watch).toOpaque())
  }

  /// Ends what runs on this connection now; the one call that any thread may make, as long as
  /// the connection lives.
  package func interrupt() { unsafe sqlite3_interrupt(handle) }
}

/// What SQLite's callbacks of a connection write to and read from, on its thread.
final class WALPages {
  var count = 0
}

final class QueryWatch {
  var deadline: ContinuousClock.Instant?

  var isOver: Bool { deadline.map { $0 <= .now } ?? false }
}
