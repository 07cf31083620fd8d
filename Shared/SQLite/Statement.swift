import CSQLite

/// One prepared statement; finalized with its last owner, of which its connection may be one.
///
/// Order of calls: bind, step until false, reset. One that is left in the middle of its rows keeps
/// its transaction open. Not thread safe: it lives on its connection's thread.
@safe package final class Statement {
  private let handle: OpaquePointer
  private let sql: String
  /// Was stepped or bound since its last reset.
  private var isUsed = false

  init(_ sql: String, on database: OpaquePointer, isKept: Bool) throws(SQLiteError) {
    var raw: OpaquePointer?
    var sql = sql
    let flags: UInt32 = isKept ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0
    let code = sql.withUTF8 { text in
      unsafe text.withMemoryRebound(to: CChar.self) { text in
        unsafe sqlite3_prepare_v3(
          database, text.baseAddress, Int32(text.count), flags, &raw, nil)
      }
    }
    guard code == SQLITE_OK, let handle = unsafe raw else {
      throw unsafe SQLiteError(code == SQLITE_OK ? SQLITE_MISUSE : code, on: database, sql: sql)
    }
    unsafe self.handle = handle
    self.sql = sql
  }

  deinit { unsafe sqlite3_finalize(handle) }

  // MARK: - Binding, from 1

  package func bind(_ value: Int64, at index: Int32) throws(SQLiteError) {
    try check(unsafe sqlite3_bind_int64(handle, index, value))
  }

  package func bind(_ value: Int, at index: Int32) throws(SQLiteError) {
    try bind(Int64(value), at: index)
  }

  package func bind(_ value: Double, at index: Int32) throws(SQLiteError) {
    try check(unsafe sqlite3_bind_double(handle, index, value))
  }

  /// Copied once, by SQLite.
  package func bind(_ value: String, at index: Int32) throws(SQLiteError) {
    var value = value
    let code = value.withUTF8 { text in
      unsafe assay_sqlite_bind_text(handle, index, text.baseAddress, UInt64(text.count))
    }
    try check(code)
  }

  package func bind(_ value: [UInt8], at index: Int32) throws(SQLiteError) {
    let code = unsafe value.withUnsafeBytes { bytes in
      unsafe assay_sqlite_bind_blob(handle, index, bytes.baseAddress, UInt64(bytes.count))
    }
    try check(code)
  }

  package func bindNull(at index: Int32) throws(SQLiteError) {
    try check(unsafe sqlite3_bind_null(handle, index))
  }

  package func bind(_ value: Int64?, at index: Int32) throws(SQLiteError) {
    if let value { try bind(value, at: index) } else { try bindNull(at: index) }
  }

  package func bind(_ value: Double?, at index: Int32) throws(SQLiteError) {
    if let value { try bind(value, at: index) } else { try bindNull(at: index) }
  }

  /// NULL for an empty text.
  package func bind(orNull value: String, at index: Int32) throws(SQLiteError) {
    if value.isEmpty { try bindNull(at: index) } else { try bind(value, at: index) }
  }

  /// NULL for no bytes.
  package func bind(orNull value: [UInt8], at index: Int32) throws(SQLiteError) {
    if value.isEmpty { try bindNull(at: index) } else { try bind(value, at: index) }
  }

  // MARK: - Running

  /// Whether there is a row to read.
  package func step() throws(SQLiteError) -> Bool {
    isUsed = true
    let code = unsafe sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    if code == SQLITE_DONE { return false }
    throw error(code)
  }

  /// Runs a statement that answers nothing, and makes it ready to be bound again: every value,
  /// for those of this time stay.
  package func run() throws(SQLiteError) {
    isUsed = false
    let code = unsafe sqlite3_step(handle)
    guard code == SQLITE_DONE || code == SQLITE_ROW else {
      let failure = error(code)
      reset()
      throw failure
    }
    unsafe sqlite3_reset(handle)
  }

  /// Makes it ready to run again, without any value.
  package func reset() {
    isUsed = false
    unsafe sqlite3_reset(handle)
    unsafe sqlite3_clear_bindings(handle)
  }

  /// Ready for its next use, which its last one may not have left it for.
  func freshen() {
    if isUsed { reset() }
  }

  // MARK: - The row, from 0

  package func isNull(at column: Int32) -> Bool {
    unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
  }

  package func int64(at column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

  package func int(at column: Int32) -> Int { Int(int64(at: column)) }

  package func double(at column: Int32) -> Double { unsafe sqlite3_column_double(handle, column) }

  /// The text of the column, repaired where it is not UTF-8; empty for NULL.
  package func text(at column: Int32) -> String {
    unsafe withBytes(at: column, isText: true) { bytes in
      unsafe String(decoding: bytes, as: UTF8.self)
    }
  }

  /// A copy of the column's bytes; none for NULL.
  package func bytes(at column: Int32) -> [UInt8] {
    unsafe withBytes(at: column, isText: false) { unsafe Array($0) }
  }

  /// Lends the column's bytes; they die with the next step.
  package func withBytes<R, E: Error>(
    at column: Int32, _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    try unsafe withBytes(at: column, isText: false) { (buffer) throws(E) -> R in
      try unsafe body(buffer.bytes)
    }
  }

  private func withBytes<R, E: Error>(
    at column: Int32, isText: Bool, _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    // The pointer first: asking for it may convert the value, and with it the count.
    let start =
      isText
      ? unsafe UnsafeRawPointer(sqlite3_column_text(handle, column))
      : unsafe sqlite3_column_blob(handle, column)
    let count = unsafe Int(sqlite3_column_bytes(handle, column))
    return try unsafe body(UnsafeRawBufferPointer(start: start, count: count))
  }

  // MARK: - Errors

  private func check(_ code: Int32) throws(SQLiteError) {
    if code != SQLITE_OK { throw error(code) }
  }

  private func error(_ code: Int32) -> SQLiteError {
    guard let database = unsafe sqlite3_db_handle(handle) else {
      return SQLiteError(code, message: "no connection", sql: sql)
    }
    return unsafe SQLiteError(code, on: database, sql: sql)
  }
}

extension SQLiteError {
  /// The connection's latest failure.
  @unsafe init(_ code: Int32, on database: OpaquePointer, sql: String) {
    let message = unsafe sqlite3_errmsg(database).map { unsafe String(cString: $0) } ?? ""
    self.init(
      code, message: message, sql: sql, errno: unsafe sqlite3_system_errno(database))
  }
}
