// StoreSQLite: the keeper of facts on one SQLite file, by the tables of StoreSchema: one writer
// that puts a group of orders into one transaction, and into a journal that is durable before it;
// readers beside it, backup and verification. It opens no socket, reads no clock but to cut a slow
// question, and decides nothing that StoreBackend's rules do not say. A writer and each reader
// belong to one thread at a time. Limits: `SQLiteStoreLimits` and StoreLimits.

import Failpoints
package import Faults
import Machine
package import SQLite
import StoreSchema

/// Bounds of one database file and of those who use it.
package enum SQLiteStoreLimits {
  /// Pages of the log from which the writer moves them into the file: 16 MiB.
  package static let walPagesSoftMax = 4_000
  /// Pages of the log from which it waits for readers to be able to: 48 MiB.
  package static let walPagesHardMax = 12_000
  /// A reader is cut before the writer stops waiting for it.
  package static let readersWaitMilliseconds: Int32 = 10_000
  /// Runs that the writer remembers between groups.
  package static let runsKeptMax = 4_096
  /// Pages of one step of a backup: 1 MiB.
  package static let backupStepPages: Int32 = 256
}

/// One database file of the store: how its writer and its readers are opened.
package struct SQLiteStore: Sendable {
  package let path: String
  package var durability = ConnectionOptions.Synchronous.full
  /// Whether a writer whose commits are durable keeps them by a journal, rather than by a sync of
  /// the log for each.
  package var keepsJournal = true
  /// How long a reader may search for one answer.
  package var questionMax = Duration.seconds(5)
  /// What one page of a search may cost.
  package var searchLimits = SearchLimits()
  /// Pages that the file may have; 0: as many as the disk.
  package var pagesMax = 0

  package init(path: String) { self.path = path }

  /// The file's writer; makes the file, or brings its tables to this program's version. Exactly
  /// one may be open in one process at a time, and no other process may write.
  package func openWriter() throws(Fault) -> SQLiteWriter {
    try checkBeforeWriting()
    var options = ConnectionOptions(.readWrite)
    options.synchronous = durability
    options.busyTimeoutMilliseconds = SQLiteStoreLimits.readersWaitMilliseconds
    options.cachePages = 8_000
    let connection = try opened(options)
    do {
      if pagesMax > 0 { try connection.setPagesMax(pagesMax) }
      try StoreMigration.bringUpToDate(connection)
    } catch {
      throw error.storeFault(path)
    }
    let writer = SQLiteWriter(connection, path: path)
    try writer.openJournal(keeps: durability == .full && keepsJournal)
    return writer
  }

  /// One more reader, beside a writer that was opened before.
  package func openReader() throws(Fault) -> SQLiteReader {
    let connection = try openReading()
    return SQLiteReader(connection, questionMax: questionMax, searchLimits: searchLimits)
  }

  func openReading() throws(Fault) -> Connection {
    var options = ConnectionOptions(.readOnly)
    // Only for the moment in which the writer starts the log again.
    options.busyTimeoutMilliseconds = 1_000
    let connection = try opened(options)
    try checkIsOurs(connection)
    return connection
  }

  private func opened(_ options: ConnectionOptions) throws(Fault) -> Connection {
    do { return try Connection(path, options) } catch { throw error.storeFault(path) }
  }

  /// Nothing is changed in a file that is not ours or not for us.
  private func checkBeforeWriting() throws(Fault) {
    guard let facts = Files.facts(of: path), facts.byteCount > 0 else { return }
    let connection = try opened(ConnectionOptions(.readOnly))
    try checkIsOurs(connection)
  }

  private func checkIsOurs(_ connection: Connection) throws(Fault) {
    let id: Int32
    let version: Int32
    do {
      id = try connection.applicationID
      version = try connection.userVersion
      // A file whose first transaction never came to its end is as good as none.
      if id == 0, version == 0, try connection.number("SELECT count(*) FROM sqlite_schema") == 0 {
        return
      }
    } catch {
      throw error.storeFault(path)
    }
    guard id == StoreMigration.applicationID else {
      throw Fault(
        .failedPrecondition, reason: "STORE_FOREIGN", "\(path) is another program's database.",
        hint: "Name another file.", facts: ["path": path])
    }
    guard version <= StoreMigration.latest else {
      throw Fault(
        .failedPrecondition, reason: "STORE_NEWER",
        "\(path) has version \(version); this program knows \(StoreMigration.latest).",
        hint: "Run the newer program, or restore a backup that is older.",
        facts: ["path": path, "version": String(version), "known": String(StoreMigration.latest)])
    }
  }
}

extension SQLiteError {
  /// As a fault that names the file.
  func storeFault(_ path: String) -> Fault {
    var fault = fault
    fault.facts["path"] = path
    return fault
  }
}

extension SQLiteError {
  /// The journal could not be written: SQLITE_IOERR, whatever the reason, since what it holds is
  /// not known then, and its blocks are there even on a disk that is full.
  static func journal(_ error: MachineError) -> SQLiteError {
    SQLiteError(10, message: error.description)
  }

  /// A row that says nothing, or says of another what is not there.
  static func damagedRow(_ what: String) -> SQLiteError {
    SQLiteError(11, message: "\(what) cannot be read")
  }
}
