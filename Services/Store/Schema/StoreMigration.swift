// StoreSchema: the tables of a store's file, version by version, and how a file becomes one of the
// latest. It reads and writes no row but those that a version brings. Limits: none of its own.

import Failpoints
package import SQLite

/// One step of the schema, forwards only, in one transaction with its number.
package struct StoreMigration {
  /// The version that a file has behind it.
  package let number: Int32
  let sql: String

  /// `Asay` in ASCII: what `file` and we know our databases by.
  package static let applicationID: Int32 = 0x4173_6179

  /// From the first version on.
  package static let all = [
    StoreMigration(number: 1, sql: SchemaOfFacts.sql),
    StoreMigration(number: 2, sql: SchemaOfWorkloads.sql),
    StoreMigration(number: 3, sql: SchemaOfSearches.sql),
    StoreMigration(number: 4, sql: SchemaOfJournal.sql),
  ]

  /// What this program makes of every file.
  package static var latest: Int32 { Int32(all.count) }

  /// Runs what a file has not had yet; for tests, only up to a version.
  package static func bringUpToDate(
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
