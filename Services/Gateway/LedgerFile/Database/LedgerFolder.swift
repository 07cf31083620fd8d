package import EventLoop
package import Faults
package import Machine
package import SQLite

/// The folder of a ledger: its database, its journals, and the word that it belongs to one
/// process.
package struct LedgerFolder: Sendable {
  package let path: String
  /// Pages that the database may have; 0: as many as the disk.
  package var pagesMax = 0

  package var database: String { "\(path)/ledger.db" }

  /// Takes the folder for this process, and makes it when it is missing.
  package init(taking path: String) throws(Fault) {
    self.path = path
    do {
      try Files.makeDirectories(path)
    } catch {
      throw Fault(
        .failedPrecondition, reason: "LEDGER_PATH_UNUSABLE",
        "The folder of the ledger, \(path), cannot be used.",
        hint: "Look at its owner and mode.", facts: ["path": path], cause: error.description)
    }
    if let name = MachineFacts.networkFileSystem(at: path) {
      throw Fault(
        .failedPrecondition, reason: "LEDGER_ON_NETWORK",
        "\(path) lies on \(name), where locks and syncs may be lies.",
        hint: "Use a disk of this machine.", facts: ["path": path, "file_system": name])
    }
  }

  /// nil when another process has it.
  package func lock() throws(Fault) -> LedgerLock? {
    do {
      return try LedgerLock(path: "\(path)/ledger.lock")
    } catch {
      throw .ledgerDisk(error, path)
    }
  }

  /// Waits a little for a process that is about to end.
  package func lock(on loop: EventLoop, patience: Duration) async throws -> LedgerLock {
    let deadline = ContinuousClock.now + patience
    while true {
      if let lock = try lock() { return lock }
      guard ContinuousClock.now < deadline else {
        throw Fault(
          .failedPrecondition, reason: "LEDGER_IN_USE", "Another process has the ledger \(path).",
          hint: "A ledger has one gateway: stop the other, or name another folder.",
          facts: ["path": path])
      }
      try await loop.sleep(for: .milliseconds(20))
    }
  }

  package func openWriting() throws(Fault) -> Connection {
    if let facts = Files.facts(of: database), facts.byteCount > 0 {
      try checkIsOurs(opened(ConnectionOptions(.readOnly)))
    }
    var options = ConnectionOptions(.readWrite)
    options.busyTimeoutMilliseconds = 10_000
    options.cachePages = 4_000
    let connection = try opened(options)
    do {
      if pagesMax > 0 { try connection.setPagesMax(pagesMax) }
      try LedgerSchema.bringUpToDate(connection)
    } catch {
      throw error.ledgerFault(path)
    }
    return connection
  }

  /// A connection beside the writer's.
  package func openReading() throws(Fault) -> Connection {
    var options = ConnectionOptions(.readOnly)
    options.busyTimeoutMilliseconds = 1_000
    let connection = try opened(options)
    try checkIsOurs(connection)
    return connection
  }

  private func opened(_ options: ConnectionOptions) throws(Fault) -> Connection {
    do { return try Connection(database, options) } catch { throw error.ledgerFault(path) }
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
      throw error.ledgerFault(path)
    }
    guard id == LedgerSchema.applicationID else {
      throw Fault(
        .failedPrecondition, reason: "LEDGER_FOREIGN",
        "\(database) is another program's database.", hint: "Name another folder.",
        facts: ["path": path])
    }
    guard version <= LedgerSchema.latest else {
      throw Fault(
        .failedPrecondition, reason: "LEDGER_NEWER",
        "\(database) has version \(version); this program knows \(LedgerSchema.latest).",
        hint: "Run the newer program, or restore a backup that is older.",
        facts: ["path": path, "version": String(version)])
    }
  }
}

/// The word that a folder belongs to this process, for as long as this lives.
package final class LedgerLock: Sendable {
  private let file: OpenFile

  /// nil when another process has it.
  package init?(path: String) throws(MachineError) {
    let file = try OpenFile(path, for: .lock)
    guard try file.lock() else { return nil }
    self.file = file
  }
}

extension Fault {
  private static let fullPause = Duration.milliseconds(500)

  package static func ledgerFull(_ path: String, cause: String? = nil) -> Fault {
    Fault(
      .unavailable, reason: "LEDGER_FULL",
      "The disk of the ledger is full: nothing can be charged, so nothing is sent.",
      retryAfter: fullPause,
      hint: "Make room on it; the gateway goes on by itself.", facts: ["path": path], cause: cause)
  }

  package static func ledgerDisk(_ error: MachineError, _ path: String) -> Fault {
    // ENOSPC and EDQUOT.
    if error.errno == 28 || error.errno == 122 { return ledgerFull(path, cause: error.description) }
    return Fault(
      .unavailable, reason: "LEDGER_IO", "The disk of the ledger failed.",
      hint: "Look at the system's log; the ledger is read again when the gateway restarts.",
      facts: ["path": path], cause: error.description)
  }

  package static let ledgerClosed = Fault(
    .unavailable, reason: "SHUTTING_DOWN", "The ledger is being closed.")

  package static func ledgerBusy(_ limit: String) -> Fault {
    Fault(
      .unavailable, reason: "LEDGER_BUSY", "Too many calls wait for the ledger.",
      retryAfter: .milliseconds(50), facts: ["limit": limit])
  }
}

extension SQLiteError {
  /// As a fault of the ledger, which names its folder.
  package func ledgerFault(_ path: String) -> Fault {
    if code == .full { return .ledgerFull(path, cause: description) }
    var fault = fault
    switch code {
    case .io: fault.reason = "LEDGER_IO"
    case .damaged:
      fault.reason = "LEDGER_DAMAGED"
      fault.hint = "Keep the folder, restore the ledger from a backup, and compare the two."
    case .inaccessible: fault.reason = "LEDGER_INACCESSIBLE"
    case .interrupted: break
    case .full, .busy, .constraint, .tooLarge, .misuse: fault.reason = "LEDGER_ERROR"
    }
    fault.facts["path"] = path
    return fault
  }
}
