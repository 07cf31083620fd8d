import CSQLite
package import Faults
import Glibc

/// Why SQLite refused: its code, its words and the statement; never a value of a row.
package struct SQLiteError: Error, Equatable, Sendable {
  /// The kind of failure, as far as anybody acts on it.
  package enum Code: Equatable, Sendable {
    /// No space: on the disk, in a quota, or under `max_page_count`.
    case full
    /// The disk or the file system failed.
    case io
    /// The file is damaged, or is no database.
    case damaged
    /// Somebody else holds the lock.
    case busy
    case constraint(Constraint)
    /// Cut by its deadline or by somebody.
    case interrupted
    /// The file cannot be opened, or not written.
    case inaccessible
    /// A row or a statement is too large.
    case tooLarge
    /// Our own mistake: a wrong statement, a wrong index, a use at the wrong time.
    case misuse
  }

  /// Which rule of the schema a row broke.
  package enum Constraint: String, Equatable, Sendable {
    case unique, check, notNull, foreignKey, dataType, other
  }

  package let code: Code
  /// SQLite's extended result code.
  package let number: Int32
  /// SQLite's words; they name tables and columns.
  package let message: String
  /// The statement, with `?` where its values stand; empty when there was none.
  package let sql: String
  /// The system's error number behind it, or 0.
  package let errno: Int32

  /// What a result code means; `errno` tells a full disk from a broken one.
  package init(_ number: Int32, message: String, sql: String = "", errno: Int32 = 0) {
    self.number = number
    self.message = message
    self.sql = sql
    self.errno = errno
    code = Self.code(of: number, errno: errno)
  }

  private static func code(of number: Int32, errno: Int32) -> Code {
    switch number & 0xFF {
    case SQLITE_FULL: .full
    // Only writes to the database itself are told as full by SQLite.
    case SQLITE_IOERR: errno == ENOSPC || errno == EDQUOT ? .full : .io
    case SQLITE_CORRUPT, SQLITE_NOTADB: .damaged
    case SQLITE_BUSY, SQLITE_LOCKED: .busy
    case SQLITE_CONSTRAINT: .constraint(constraint(of: number >> 8))
    case SQLITE_INTERRUPT: .interrupted
    case SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH: .inaccessible
    case SQLITE_TOOBIG: .tooLarge
    default: .misuse
    }
  }

  /// The number behind SQLITE_CONSTRAINT.
  private static func constraint(of number: Int32) -> Constraint {
    switch number {
    case 1: .check
    case 3: .foreignKey
    case 5: .notNull
    case 6, 8, 10: .unique
    case 12: .dataType
    default: .other
    }
  }
}

extension SQLiteError: CustomStringConvertible {
  package var description: String {
    sql.isEmpty ? "SQLite \(number): \(message)" : "SQLite \(number): \(message), in: \(sql)"
  }
}

extension SQLiteError: FaultConvertible {
  package var fault: Fault {
    let what: Fault =
      switch code {
      case .full:
        Fault(
          .resourceExhausted, reason: "STORE_FULL", "The disk of the database is full.",
          hint: "Make room on it; what was kept can still be read, and writes go on by themselves.")
      case .io:
        Fault(
          .unavailable, reason: "STORE_IO", "The disk of the database failed.",
          hint: "Look at the system's log; the database is opened again when the service restarts.")
      case .damaged:
        Fault(
          .dataLoss, reason: "STORE_DAMAGED", "The database file is damaged, or is no database.",
          hint: "Restore it from a backup.")
      case .busy:
        Fault(.unavailable, reason: "STORE_BUSY", "The database is locked by somebody else.")
      case .constraint(let constraint):
        Fault(
          constraint == .unique ? .alreadyExists : .failedPrecondition, reason: "STORE_CONSTRAINT",
          "A rule of the database refused a row.", facts: ["rule": constraint.rawValue])
      case .interrupted:
        Fault(
          .deadlineExceeded, reason: "QUERY_TOO_SLOW", "The question took too long and was cut.",
          hint: "Ask for less: a run, a subject, a shorter page.")
      case .inaccessible:
        Fault(
          .unavailable, reason: "STORE_INACCESSIBLE", "The database file cannot be opened.",
          hint: "Look at its folder's owner and mode.")
      case .tooLarge:
        Fault(.resourceExhausted, reason: "STORE_ROW_TOO_LARGE", "A row is too large to keep.")
      case .misuse:
        Fault(.internal, reason: "INTERNAL", "The database was asked a wrong question.")
      }
    var fault = what
    fault.facts["sqlite"] = String(number)
    fault.cause = description
    return fault
  }
}
