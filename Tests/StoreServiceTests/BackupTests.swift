import Faults
import Machine
import RPC
import ScoreContract
import StoreBackend
import StoreContract
import StoreSQLite
import Testing

@Suite(.timeLimit(.minutes(2))) struct BackupTests {
  @Test func `a backup made while others write opens and holds what was acknowledged before`()
    async throws
  {
    try await StoreFixture.with(.fileOverSocket) { fixture in
      let client = try fixture.client()
      let lease = try await client.runAtWork(units: 900, by: try await fixture.replica(client))
      let before = try await client.events(of: "r1")
      let writing = Task {
        for index in 0..<60 {
          _ = try await client.commit(
            Facts.commit("c\(index)", [Facts.success(index)], under: lease))
        }
      }
      var last = BackupProgress()
      for try await progress in client.backup(BackupRequest(name: "copy.db")) { last = progress }
      try await writing.value
      #expect(last.path == "\(fixture.folder)/copy.db" && last.pagesDone == last.pagesTotal)
      let reader = try SQLiteStore(path: last.path).openReader()
      let copied = try reader.events(of: "r1", after: 0, countMax: 2000, of: .standard)
      #expect(Array(copied.prefix(before.count)) == before)
      let all = try await client.events(of: "r1")
      #expect(Array(all.prefix(copied.count)) == copied)
      #expect(!Files.entries(of: fixture.folder).contains { $0.hasSuffix(".part") })

      let again = await fault {
        for try await _ in client.backup(BackupRequest(name: "copy.db")) {}
      }
      #expect(again?.reason == "BACKUP_EXISTS")
    }
  }

  @Test(arguments: ["", ".", "..", "a/b", "/etc/x", ".hidden", "a b", "a\u{0}b"])
  func `a name with a way out of the folder is refused`(_ name: String) async throws {
    try await StoreFixture.with { fixture in
      let client = try fixture.client()
      let refused = await fault {
        for try await _ in client.backup(BackupRequest(name: name)) {}
      }
      #expect(refused?.reason == "BAD_BACKUP_NAME")
    }
  }
}
