import Machine
import SQLite
import ScoreContract
import StoreBackend
import TestSupport
import Testing

@testable import StoreSQLite

/// Every way in which a row can stop being what it was is found.
@Suite(.timeLimit(.minutes(2))) struct DamageTests {
  /// A file with ten verdicts, changed by a statement that no rule of ours stands against.
  private func damages(_ sql: String) async throws -> [StoreDamage] {
    try await ScratchFolder.with { folder in
      let fixture = try StoreFixture(path: folder.file("store.db"))
      try fixture.start(units: 10)
      for index in 0..<10 { try fixture.commit("c\(index)", [fixture.verdict(index)]) }
      #expect(try fixture.reader.verify() == [])
      let vandal = try Connection(fixture.store.path, ConnectionOptions())
      try vandal.execute(
        "DROP TRIGGER verdicts_are_never_changed; DROP TRIGGER verdicts_are_never_deleted;")
      try vandal.execute("PRAGMA foreign_keys = OFF")
      try vandal.execute(sql)
      return try fixture.reader.verify()
    }
  }

  @Test(arguments: [
    "UPDATE verdicts SET score = 5.1 WHERE id = 'run/v3'",
    "UPDATE verdicts SET model = 'n' WHERE id = 'run/v3'",
    "UPDATE verdicts SET subject_id = 'e4' WHERE id = 'run/v3'",
    "UPDATE verdicts SET unit = 5 WHERE id = 'run/v3'",
    "UPDATE verdicts SET at = at + 1 WHERE id = 'run/v3'",
    "UPDATE verdicts SET chain = zeroblob(16) WHERE id = 'run/v3'",
    "UPDATE verdicts SET body = x'' WHERE id = 'run/v3'",
    "UPDATE verdicts SET id = 'run/v33' WHERE id = 'run/v3'",
    "DELETE FROM verdicts WHERE id = 'run/v3'",
    "DELETE FROM verdicts WHERE id = 'run/v9'",
    "UPDATE runs SET succeeded = 9",
    "UPDATE unit_states SET state = 4 WHERE unit = 2",
    "DELETE FROM events WHERE seq = 6",
    "UPDATE verdicts SET seq = seq + 1 WHERE id = 'run/v3'",
    "UPDATE events SET verdict = NULL WHERE verdict = 10",
  ])
  func `a changed row is found`(_ sql: String) async throws {
    #expect(try await damages(sql) != [])
  }

  @Test func `a bit that flips in a verdict's bytes on the disk is found`() async throws {
    var random = SeededRandom("flipped bits")
    try await ScratchFolder.with { folder in
      let path = folder.file("store.db")
      do {
        let fixture = try StoreFixture(path: path)
        try fixture.start(units: 10)
        for index in 0..<10 { try fixture.commit("c\(index)", [fixture.verdict(index)]) }
        fixture.writer.rest()
      }
      let bytes = try Files.read(path)
      let word = Array("because it is so".utf8)
      let places = bytes.indices.filter { bytes[$0...].starts(with: word) }
      #expect(places.count == 10)
      for place in places {
        var flipped = bytes
        flipped[place + Int.random(in: word.indices, using: &random)] ^= 1
        let copy = folder.file("flipped.db")
        let file = try OpenFile(copy, for: .replace)
        try file.write(unsafe flipped.span.bytes)
        #expect(try SQLiteStore(path: copy).openReader().verify() != [])
      }
    }
  }
}
