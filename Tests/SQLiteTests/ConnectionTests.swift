import Faults
import SQLite
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ConnectionTests {
  private func withFile(_ body: (String) throws -> Void) async throws {
    try await ScratchFolder.with { try body($0.file("test.db")) }
  }

  private func code(_ body: () throws(SQLiteError) -> Void) -> SQLiteError.Code? {
    do { try body() } catch { return error.code }
    return nil
  }

  @Test func `every type comes back as it was bound`() async throws {
    try await withFile { path in
      let db = try Connection(path, ConnectionOptions())
      try db.execute("CREATE TABLE t(i INTEGER, d REAL, s TEXT, b BLOB, e TEXT, z BLOB, n TEXT)")
      let insert = try db.statement("INSERT INTO t VALUES(?,?,?,?,?,?,?)")
      try insert.bind(Int64.min, at: 1)
      try insert.bind(-0.1, at: 2)
      try insert.bind("größer als fünfzehn Bytes", at: 3)
      try insert.bind([0, 1, 255], at: 4)
      try insert.bind("", at: 5)
      try insert.bind([UInt8](), at: 6)
      try insert.bindNull(at: 7)
      try insert.run()
      let row = try db.statement("SELECT *, typeof(e), typeof(z) FROM t")
      #expect(try row.step())
      #expect(row.int64(at: 0) == .min)
      #expect(row.double(at: 1) == -0.1)
      #expect(row.text(at: 2) == "größer als fünfzehn Bytes")
      #expect(row.bytes(at: 3) == [0, 1, 255])
      #expect(row.withBytes(at: 3) { $0.byteCount } == 3)
      #expect(row.text(at: 4) == "" && !row.isNull(at: 4))
      #expect(row.bytes(at: 5) == [] && !row.isNull(at: 5))
      #expect(row.isNull(at: 6))
      #expect(row.text(at: 7) == "text" && row.text(at: 8) == "blob")
      #expect(try !row.step())
    }
  }

  @Test func `a statement is kept and comes back empty`() async throws {
    try await withFile { path in
      let db = try Connection(path, ConnectionOptions())
      func ask() throws -> Statement { try db.statement("SELECT ?1") }
      let first = try ask()
      try first.bind(7, at: 1)
      #expect(try first.step())
      let second = try ask()
      #expect(first === second)
      #expect(try second.step())
      #expect(second.isNull(at: 0))
    }
  }

  @Test func `a broken rule says which, and never the value`() async throws {
    try await withFile { path in
      let db = try Connection(path, ConnectionOptions())
      try db.execute("CREATE TABLE t(k TEXT NOT NULL UNIQUE CHECK (k <> 'bad'), i INT) STRICT")
      try db.execute("CREATE TABLE u(k TEXT REFERENCES t(k)) STRICT")
      let insert = try db.statement("INSERT INTO t VALUES(?, ?)")
      func put(_ text: String?, _ number: String? = nil) -> SQLiteError.Code? {
        insert.reset()
        return code { () throws(SQLiteError) in
          if let text { try insert.bind(text, at: 1) }
          if let number { try insert.bind(number, at: 2) }
          try insert.run()
        }
      }
      #expect(put("secret") == nil)
      #expect(put("secret") == .constraint(.unique))
      #expect(put("bad") == .constraint(.check))
      #expect(put(nil) == .constraint(.notNull))
      #expect(put("other", "no number") == .constraint(.dataType))
      #expect(
        code { () throws(SQLiteError) in
          try db.execute("INSERT INTO u VALUES('nobody')")
        } == .constraint(.foreignKey))
      do {
        try insert.bind("secret", at: 1)
        try insert.run()
      } catch let error as SQLiteError {
        #expect(!error.description.contains("secret") && error.sql.contains("INSERT"))
        #expect(error.fault.code == .alreadyExists && error.fault.reason == "STORE_CONSTRAINT")
      }
    }
  }

  @Test func `a transaction holds whole or not at all`() async throws {
    try await withFile { path in
      let db = try Connection(path, ConnectionOptions())
      try db.execute("CREATE TABLE t(i INTEGER PRIMARY KEY)")
      let failed = code { () throws(SQLiteError) in
        try db.transaction(.writing) { () throws(SQLiteError) in
          try db.execute("INSERT INTO t VALUES(1)")
          try db.execute("INSERT INTO t VALUES(1)")
        }
      }
      #expect(failed == .constraint(.unique))
      #expect(try db.number("SELECT count(*) FROM t") == 0)
      try db.transaction(.writing) { () throws(SQLiteError) in
        try db.execute("INSERT INTO t VALUES(1)")
        _ = code { () throws(SQLiteError) in
          try db.savepoint { () throws(SQLiteError) in
            try db.execute("INSERT INTO t VALUES(2)")
            try db.execute("INSERT INTO t VALUES(2)")
          }
        }
        try db.execute("INSERT INTO t VALUES(3)")
      }
      #expect(try db.number("SELECT sum(i) FROM t") == 4)
    }
  }

  @Test func `a full file refuses, keeps what it has, and takes more when there is room`()
    async throws
  {
    try await withFile { path in
      let db = try Connection(path, ConnectionOptions())
      try db.execute("CREATE TABLE t(b BLOB)")
      try db.setPagesMax(8)
      let refused = code { () throws(SQLiteError) in
        try db.execute("INSERT INTO t VALUES(zeroblob(100000))")
      }
      #expect(refused == .full)
      #expect(try db.number("SELECT count(*) FROM t") == 0)
      try db.setPagesMax(1_000)
      try db.execute("INSERT INTO t VALUES(zeroblob(100000))")
      #expect(try db.number("SELECT count(*) FROM t") == 1)
    }
  }

  @Test func `what is no database is damaged, and what is not there cannot be read`() async throws {
    try await withFile { path in
      #expect(
        code { () throws(SQLiteError) in
          _ = try Connection(path, ConnectionOptions(.readOnly))
        } == .inaccessible)
      let db = try Connection(path, ConnectionOptions())
      try db.execute("CREATE TABLE t(b BLOB); INSERT INTO t VALUES(zeroblob(9000))")
      #expect(try db.problems().isEmpty)
    }
  }

  @Test func `a second writer is told that it is busy`() async throws {
    try await withFile { path in
      let one = try Connection(path, ConnectionOptions())
      let other = try Connection(path, ConnectionOptions())
      try one.begin(.writing)
      #expect(code { () throws(SQLiteError) in try other.begin(.writing) } == .busy)
      one.rollBack()
      try other.begin(.writing)
      other.rollBack()
    }
  }

  @Test func `a reader keeps its state while the writer goes on and checkpoints`() async throws {
    try await withFile { path in
      let writer = try Connection(path, ConnectionOptions())
      try writer.execute("CREATE TABLE t(i); INSERT INTO t VALUES(1)")
      let reader = try Connection(path, ConnectionOptions(.readOnly))
      try reader.transaction(.reading) { () throws(SQLiteError) in
        #expect(try reader.number("SELECT count(*) FROM t") == 1)
        try writer.execute("INSERT INTO t VALUES(2)")
        let state = try writer.checkpoint(.passive)
        #expect(state.pages > state.moved)
        #expect(try reader.number("SELECT count(*) FROM t") == 1)
      }
      #expect(try reader.number("SELECT count(*) FROM t") == 2)
      #expect(writer.walPages > 0)
      try writer.checkpoint(.truncate)
      #expect(writer.walPages == 0)
      #expect(
        code { () throws(SQLiteError) in
          try reader.execute("INSERT INTO t VALUES(3)")
        } == .inaccessible)
    }
  }

  @Test func `a question is cut at its deadline and the next one is not`() async throws {
    try await withFile { path in
      let db = try Connection(path, ConnectionOptions())
      let endless = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n
        """
      db.cut(at: .now)
      let failure = code { () throws(SQLiteError) in _ = try db.number(endless) }
      #expect(failure == .interrupted)
      db.cut(at: nil)
      #expect(try db.number("SELECT 42") == 42)
    }
  }

  @Test func `a backup is the whole file as its reader saw it`() async throws {
    try await ScratchFolder.with { folder in
      let writer = try Connection(folder.file("a.db"), ConnectionOptions())
      try writer.execute("CREATE TABLE t(b BLOB)")
      for _ in 0..<50 { try writer.execute("INSERT INTO t VALUES(randomblob(4000))") }
      let reader = try Connection(folder.file("a.db"), ConnectionOptions(.readOnly))
      var options = ConnectionOptions()
      options.journal = .rollback
      let copy = try Connection(folder.file("b.db"), options)
      try reader.begin(.reading)
      _ = try reader.number("SELECT count(*) FROM t")
      let backup = try Backup(from: reader, to: copy)
      var steps = 0
      while true {
        let progress = try backup.step(pages: 10)
        steps += 1
        if progress.isWhole { break }
        try writer.execute("INSERT INTO t VALUES(randomblob(4000))")
      }
      #expect(steps > 3)
      #expect(try copy.number("SELECT count(*) FROM t") == 50)
      #expect(try copy.problems().isEmpty)
    }
  }

  @Test func `the library says which it is`() {
    #expect(SQLiteLibrary.version.hasPrefix("3."))
  }
}
