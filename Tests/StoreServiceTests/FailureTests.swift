import EventLoop
import Faults
import Machine
import RPC
import ScoreContract
import StoreBackend
import StoreContract
import StoreSQLite
import Synchronization
import Testing

@testable import StoreService

/// A real writer whose disk can be made to fail.
private final class FailingWriter: StoreUpkeep {
  /// From outside: what every group from now on fails with.
  final class Switch: Sendable {
    let fault = Mutex<Fault?>(nil)
    /// Groups wait here while it is closed.
    let gate = Mutex(true)
  }

  let inner: any StoreUpkeep
  let control: Switch
  private var broken: Fault?

  init(_ inner: any StoreUpkeep, _ control: Switch) {
    self.inner = inner
    self.control = control
  }

  func write(
    _ orders: [WriteOrder], atMicroseconds now: Int64
  ) -> [Result<WriteReceipt, Fault>] {
    while !control.gate.withLock({ $0 }) {}
    if let fault = control.fault.withLock({ $0 }) {
      if fault.reason == "STORE_IO" { broken = fault }
      return orders.map { _ in .failure(fault) }
    }
    return inner.write(orders, atMicroseconds: now)
  }
  func leases() throws(Fault) -> [StoredLease] { try inner.leases() }
  func runsWantingOwner() throws(Fault) -> [RunName] { try inner.runsWantingOwner() }
  func rest() { if broken == nil { inner.rest() } }
  var fault: Fault? { broken ?? inner.fault }
  var logBytes: Int { inner.logBytes }
  func beginCopy(to path: String) throws(Fault) -> any StoreCopying {
    try inner.beginCopy(to: path)
  }
}

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
      let lease = try await client.runAtWork(by: try await Replica(client))
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
      let lease = try await client.runAtWork(by: try await Replica(client))
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

  @Test func `more orders than may wait are refused with a time to come again`() async throws {
    let control = FailingWriter.Switch()
    try await StoreFixture.with(opening: opening(control)) { fixture in
      let client = try fixture.client()
      let queue = StoreLimits.ordersWaitingMax + StoreLimits.ordersPerGroupMax + 64
      control.gate.withLock { $0 = false }
      let faults = try await withThrowingTaskGroup(of: Fault?.self) { group in
        for index in 0..<queue {
          group.addTask {
            await fault {
              let rubric = Rubric(hash: "h\(index)", name: "n", body: Array("{}".utf8))
              _ = try await client.putRubric(PutRubricRequest(rubric: rubric))
            }
          }
        }
        var faults: [Fault] = []
        var isOpen = false
        for try await fault in group {
          if let fault { faults.append(fault) }
          if !isOpen {
            isOpen = true
            control.gate.withLock { $0 = true }
          }
        }
        return faults
      }
      #expect(!faults.isEmpty)
      #expect(faults.allSatisfy { $0.code == .resourceExhausted && $0.retryAfter != nil })
      #expect(faults.contains { $0.reason == "STORE_BUSY" })
      // It goes on, and what was taken is kept.
      _ = try await client.createRun(Facts.run())
      #expect(try await client.getRun(GetRunRequest(runId: "r1")).run?.state == .pending)
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
