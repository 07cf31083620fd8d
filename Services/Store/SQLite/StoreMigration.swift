import Failpoints
import SQLite

/// One step of the schema, forwards only, in one transaction with its number.
struct StoreMigration {
  let number: Int32
  let sql: String

  /// `Asay` in ASCII: what `file` and we know our databases by.
  static let applicationID: Int32 = 0x4173_6179

  static let all = [
    StoreMigration(number: 1, sql: SchemaOfFacts.sql),
    StoreMigration(number: 2, sql: SchemaOfWorkloads.sql),
    StoreMigration(number: 3, sql: SchemaOfSearches.sql),
    StoreMigration(number: 4, sql: SchemaOfJournal.sql),
  ]

  static var latest: Int32 { Int32(all.count) }

  /// Runs what a file has not had yet; for tests, only up to a version.
  static func bringUpToDate(
    _ connection: Connection, to last: Int32 = latest
  ) throws(SQLiteError) {
    let version = try connection.userVersion
    for migration in all where migration.number > version && migration.number <= last {
      Failpoint.pass("store.migration.before-begin")
      try connection.transaction(.writing) { () throws(SQLiteError) in
        try connection.execute(migration.sql)
        try connection.setApplicationID(applicationID)
        try connection.setUserVersion(migration.number)
        Failpoint.pass("store.migration.before-commit")
      }
      Failpoint.pass("store.migration.after-commit")
    }
  }
}
