import EventLoop
import Faults
import Locking
import Machine
import RPC
import ScoreContract
import StoreBackend
import StoreContract
import StoreSQLite
import Synchronization
import Testing

@testable import StoreService

@Suite(.timeLimit(.minutes(2))) struct FailureTests {
  private func opening(_ control: FailingWriter.Switch) -> (String) throws -> StoreOpening {
    { folder in
      let file = try StoreFile(path: folder).opening
      return StoreOpening(
        writer: { FailingWriter(try file.writer(), control) }, reader: file.reader)
    }
  }

  @Test func `a full file refuses writes with a reason, answers reads, and goes on later`()
    async throws
  {
    let opening = { (folder: String) in
      var small = SQLiteStore(path: "\(folder)/store.db")
      small.pagesMax = 120
      let store = small
      return StoreOpening(
        writer: { try store.openWriter() }, reader: { try store.openReader() })
    }
    try await StoreFixture.with(.fileOverSocket, opening: opening) { fixture in
      let client = try fixture.client()
      let lease = try await client.runAtWork(by: try await fixture.replica(client))
      var kept: [String] = []
      var refused: Fault?
      for index in 0..<400 where refused == nil {
        let id = "c\(index)"
        refused = await fault {
          _ = try await client.commit(
            Facts.commit(id, [Facts.note(String(repeating: "x", count: 4000))], under: lease))
        }
        if refused == nil { kept.append(id) }
      }
      #expect(refused?.code == .resourceExhausted && refused?.reason == "STORE_FULL")
      #expect(!kept.isEmpty)
      #expect(try await client.events(of: "r1").count == 5 + kept.count)
      let export = ExportRequest(runId: "r1", format: .csv)
      #expect(try await client.export(export).reduce(0) { $0 + $1.data.count } > 0)
    }
  }

  @Test func `a writer whose disk failed acknowledges nothing more and ends the process`()
    async throws
  {
    let control = FailingWriter.Switch()
    try await StoreFixture.with(opening: opening(control)) { fixture in
      let client = try fixture.client()
      let lease = try await client.runAtWork(by: try await fixture.replica(client))
      let stream = client.readEvents(ReadEventsRequest(runId: "r1", follow: true))
      #expect(try await stream.next()?.events.count == 5)
      let store = try fixture.store
      let whole = Task { try await store.whileWhole() }
      control.fault.withLock {
        $0 = Fault(.unavailable, reason: "STORE_IO", "The disk of the database failed.")
      }
      let lost = await fault {
        _ = try await client.commit(Facts.commit("c", [Facts.success(0)], under: lease))
      }
      #expect(lost?.reason == "STORE_IO")
      let end = await fault { try await whole.value }
      #expect(end?.reason == "STORE_IO")
      control.fault.withLock { $0 = nil }
      #expect(try await client.events(of: "r1").count == 5)
    }
  }

  @Test func `a run whose claimant dies after a refused claim is offered to others again`()
    async throws
  {
    let control = FailingWriter.Switch()
    try await StoreFixture.with(opening: opening(control)) { fixture in
      let client = try fixture.client()
      _ = try await client.createRun(Facts.run("r1"))
      let claimant = try await fixture.replica(client)
      let other = try await fixture.replica(client)
      for replica in [claimant, other] {
        guard case .wantsOwner? = try await replica.told()?.kind else {
          Issue.record("the run was not offered at first")
          return
        }
      }
      control.fault.withLock {
        $0 = Fault(.resourceExhausted, reason: "STORE_FULL", "The disk is full.")
      }
      let refused = await fault { _ = try await claimant.acquire("r1") }
      #expect(refused?.reason == "STORE_FULL")
      claimant.stream.cancel()
      control.fault.withLock { $0 = nil }
      guard case .wantsOwner(let again)? = try await other.told()?.kind else {
        Issue.record("the run was not offered again")
        return
      }
      #expect(again.runId == "r1")
      _ = try await other.acquire("r1")
    }
  }

  @Test func `a second store of the same file is refused`() async throws {
    try await StoreFixture.with { fixture in
      let file = try StoreFile(path: fixture.folder)
      let first = try StoreLock(path: "\(file.path).lock")
      #expect(first != nil)
      #expect(try StoreLock(path: "\(file.path).lock") == nil)
      withExtendedLifetime(first) {}
    }
  }

  @Test func `a store that is told no path says how to name one`() {
    let refused = #expect(throws: Fault.self) { try StoreFile(path: nil) }
    #expect(refused?.reason == "STORE_PATH_MISSING" && refused?.hint != nil)
  }
}
