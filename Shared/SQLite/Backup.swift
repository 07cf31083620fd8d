import CSQLite

/// A copy of a whole database to another file, a few pages at a time.
///
/// The source goes on. When it is a reading connection inside a transaction, the copy is of the
/// state that this transaction sees. Not thread safe.
@safe package struct Backup: ~Copyable {
  private let handle: OpaquePointer
  private let source: Connection
  private let destination: Connection

  /// How far a copy has come.
  package struct Progress: Equatable, Sendable {
    package let pagesDone: Int
    package let pagesTotal: Int
    package let isWhole: Bool
  }

  /// `destination` is overwritten; nobody else may have it open.
  package init(from source: Connection, to destination: Connection) throws(SQLiteError) {
    guard
      let handle = unsafe sqlite3_backup_init(destination.handle, "main", source.handle, "main")
    else {
      throw unsafe SQLiteError(
        sqlite3_extended_errcode(destination.handle), on: destination.handle, sql: "backup")
    }
    unsafe self.handle = handle
    self.source = source
    self.destination = destination
  }

  deinit { unsafe sqlite3_backup_finish(handle) }

  /// Copies so many pages more.
  package func step(pages: Int32) throws(SQLiteError) -> Progress {
    let code = unsafe sqlite3_backup_step(handle, pages)
    guard code == SQLITE_OK || code == SQLITE_DONE else {
      throw unsafe SQLiteError(code, on: destination.handle, sql: "backup")
    }
    let total = unsafe Int(sqlite3_backup_pagecount(handle))
    let left = unsafe Int(sqlite3_backup_remaining(handle))
    return Progress(pagesDone: total - left, pagesTotal: total, isWhole: code == SQLITE_DONE)
  }
}
