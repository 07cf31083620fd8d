import Machine
import SQLite
import TestSupport
import Testing

/// What a writing connection holds back of its log is nothing that a commit has promised.
@Suite(.timeLimit(.minutes(1))) struct LogFileTests {
  private func writer(_ path: String, cachePages: Int = 2_000) throws -> Connection {
    var options = ConnectionOptions()
    options.cachePages = cachePages
    let db = try Connection(path, options)
    try db.execute("CREATE TABLE IF NOT EXISTS t(i INTEGER PRIMARY KEY, b BLOB NOT NULL)")
    return db
  }

  private func insert(_ rows: Range<Int64>, _ db: Connection) throws(SQLiteError) {
    let insert = try db.statement("INSERT INTO t VALUES(?, randomblob(1500))")
    for row in rows {
      try insert.bind(row, at: 1)
      try insert.run()
    }
  }

  private func count(_ db: Connection) throws -> Int64 { try db.number("SELECT count(*) FROM t") }

  /// What a process would find that starts after this one was killed now.
  private func afterKill(_ path: String) throws -> (count: Int64, problems: [String]) {
    let copy = path + ".killed"
    for end in ["", "-wal"] {
      let bytes = try Files.read(path + end)
      try unsafe OpenFile(copy + end, for: .replace, mode: 0o600).write(bytes.span.bytes)
    }
    let db = try Connection(copy, ConnectionOptions())
    defer { for end in ["", "-wal", "-shm"] { try? Files.remove(copy + end) } }
    return (try count(db), try db.problems())
  }

  @Test func `each commit is in the file and seen by others when it returns`() async throws {
    try await ScratchFolder.with { folder in
      let path = folder.file("test.db")
      let db = try writer(path)
      let reader = try Connection(path, ConnectionOptions(.readOnly))
      for row in 0..<20 as Range<Int64> {
        try db.transaction(.writing) { () throws(SQLiteError) in try insert(row..<row + 1, db) }
        #expect(try count(reader) == row + 1)
        let found = try afterKill(path)
        #expect(found.count == row + 1 && found.problems == [])
        if row % 7 == 6 { try db.checkpoint(row == 6 ? .truncate : .passive) }
      }
    }
  }

  @Test func `a transaction larger than all that is held is whole or not there`() async throws {
    try await ScratchFolder.with { folder in
      let path = folder.file("test.db")
      // Pages that do not fit go to the log before the commit, and are read back from it.
      let db = try writer(path, cachePages: 20)
      try db.transaction(.writing) { () throws(SQLiteError) in try insert(0..<500, db) }
      try db.begin(.writing)
      try insert(500..<1500, db)
      try db.execute("UPDATE t SET b = randomblob(900) WHERE i % 3 = 0")
      #expect(try count(db) == 1500)
      #expect(try afterKill(path).count == 500)
      db.rollBack()
      #expect(try count(db) == 500 && db.problems() == [])
      try db.begin(.writing)
      try insert(500..<900, db)
      try? db.savepoint { () throws(SQLiteError) in
        try insert(900..<1500, db)
        throw SQLiteError(1, message: "taken back")
      }
      try db.execute("DELETE FROM t WHERE i % 5 = 0")
      try db.commit()
      let found = try afterKill(path)
      #expect(found.count == 720 && found.problems == [])
    }
  }
}
