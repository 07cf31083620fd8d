import Machine
import SQLite
import StoreBackend
import StoreSchema
import TestSupport
import Testing

@testable import StoreSQLite

@Suite(.timeLimit(.minutes(2))) struct MigrationTests {
  @Test func `a file of version 1 becomes one of the latest, with all it holds`() async throws {
    try await ScratchFolder.with { folder in
      let path = folder.file("store.db")
      do {
        let connection = try Connection(path, ConnectionOptions())
        try StoreMigration.bringUpToDate(connection, to: 1)
        #expect(try connection.userVersion == 1)
        try connection.execute(
          "INSERT INTO products VALUES (1, 'default'); INSERT INTO leases VALUES (1, 'r', 's', 4)")
      }
      let fixture = try StoreFixture(path: path)
      #expect(try fixture.writer.leases().map(\.token) == [4])
      #expect(try fixture.writer.connection.userVersion == StoreMigration.latest)
      #expect(try fixture.reader.verify() == [])
    }
  }

  @Test func `a migration that fails leaves the version before`() async throws {
    try await ScratchFolder.with { folder in
      let connection = try Connection(folder.file("store.db"), ConnectionOptions())
      try StoreMigration.bringUpToDate(connection, to: 1)
      try connection.execute("CREATE TABLE session_scores (x)")
      #expect(throws: SQLiteError.self) { try StoreMigration.bringUpToDate(connection) }
      #expect(try connection.userVersion == 1)
      #expect(
        try connection.number("SELECT count(*) FROM sqlite_schema WHERE name = 'properties'") == 0)
    }
  }

  @Test func `numbers follow one another`() {
    #expect(StoreMigration.all.map(\.number) == Array(1...StoreMigration.latest))
  }

  @Test func `a newer file is refused and left as it is`() async throws {
    try await ScratchFolder.with { folder in
      let path = folder.file("store.db")
      do {
        let fixture = try StoreFixture(path: path)
        try fixture.writer.connection.setUserVersion(99)
        fixture.writer.rest()
      }
      let before = try Files.read(path)
      #expect(reason { _ = try SQLiteStore(path: path).openWriter() } == "STORE_NEWER")
      #expect(reason { _ = try SQLiteStore(path: path).openReader() } == "STORE_NEWER")
      #expect(try Files.read(path) == before)
    }
  }

  @Test func `another program's database is refused and left as it is`() async throws {
    try await ScratchFolder.with { folder in
      let path = folder.file("store.db")
      do {
        var options = ConnectionOptions()
        options.journal = .rollback
        try Connection(path, options).execute("CREATE TABLE theirs (x)")
      }
      let before = try Files.read(path)
      #expect(reason { _ = try SQLiteStore(path: path).openWriter() } == "STORE_FOREIGN")
      #expect(try Files.read(path) == before)
    }
  }

  @Test func `what is no database is damaged`() async throws {
    try await ScratchFolder.with { folder in
      let path = folder.file("store.db")
      try Files.replace(path, with: String(repeating: "no database ", count: 1_000))
      #expect(reason { _ = try SQLiteStore(path: path).openWriter() } == "STORE_DAMAGED")
    }
  }

  @Test func `a folder that is not there is said to be inaccessible`() {
    #expect(
      reason { _ = try SQLiteStore(path: "/nowhere/store.db").openWriter() }
        == "STORE_INACCESSIBLE")
  }
}
