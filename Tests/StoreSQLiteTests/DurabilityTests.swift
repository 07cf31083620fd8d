import Faults
import Locking
import Machine
import SQLite
import ScoreContract
import StoreBackend
import StoreContract
import Synchronization
import TestSupport
import Testing

@testable import StoreSQLite

@Suite(.timeLimit(.minutes(3))) struct DurabilityTests {
  @Test func `a full disk refuses the group, answers questions, and takes more when it can`()
    async throws
  {
    try await StoreFixture.with { fixture in
      try fixture.start(units: 400)
      try fixture.commit("first", [fixture.verdict(0)])
      let connection = fixture.writer.connection
      let pages = try Int(connection.number("PRAGMA page_count"))
      try connection.setPagesMax(pages + 2)
      var refused: [Result<WriteReceipt, Fault>] = []
      var next = 1
      while refused.isEmpty, next < 400 {
        let orders = try (next..<next + 3).map { index in
          try fixture.commitOrder("c\(index)", [fixture.verdict(index)])
        }
        let results = fixture.writer.write(orders, atMicroseconds: 8)
        if case .failure = results[0] { refused = results } else { next += 3 }
      }
      for case .failure(let fault) in refused {
        #expect(fault.reason == "STORE_FULL" && fault.code == .resourceExhausted)
      }
      #expect(refused.count == 3)
      let totals = try fixture.reader.run("run", of: fixture.product).run?.totals
      #expect(totals?.succeeded == Int64(next))
      #expect(try fixture.reader.verify() == [])
      try connection.setPagesMax(1_000_000)
      try fixture.commit("c\(next)", [fixture.verdict(next)])
      #expect(try fixture.reader.verify() == [])
      #expect(fixture.writer.fault == nil)
    }
  }

  /// What readers on threads of their own tell the test.
  private final class Readers: Sendable {
    let isOver = Atomic(false)
    let failures = Lock<[String]>([])

    /// Follows the log from its first event to its last, over and over.
    @concurrent func read(_ store: SQLiteStore) async {
      do {
        let reader = try store.openReader()
        var seq: Int64 = 0
        while !isOver.load(ordering: .relaxed) {
          let events = try reader.events(of: "run", after: seq, countMax: 50, of: .standard)
          let isGapFree = zip(events, events.dropFirst()).allSatisfy { $1.seq == $0.seq + 1 }
          if !isGapFree { failures.withLock { $0.append("a gap behind \(seq)") } }
          seq = events.last?.seq ?? 0
          _ = try reader.query(QueryVerdictsRequest(order: .highest), of: .standard)
          await Task.yield()
        }
      } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
  }

  @Test func `readers beside a writer that checkpoints are never busy`() async throws {
    try await ScratchFolder.with { folder in
      let fixture = try StoreFixture(path: folder.file("store.db"))
      try fixture.start(units: 600)
      let store = fixture.store
      let readers = Readers()
      await withTaskGroup { group in
        for _ in 0..<8 { group.addTask { await readers.read(store) } }
        for index in 0..<600 {
          let order = try? fixture.commitOrder("c\(index)", [fixture.verdict(index)])
          _ = order.map { fixture.writer.write([$0], atMicroseconds: 8) }
          if index % 50 == 0 { fixture.writer.rest() }
          await Task.yield()
        }
        readers.isOver.store(true, ordering: .relaxed)
      }
      #expect(readers.failures.withLock { $0 } == [])
      #expect(try fixture.reader.run("run", of: .standard).run?.totals?.succeeded == 600)
    }
  }

  @Test func `the log begins again and stays within its limit`() async throws {
    try await StoreFixture.with { fixture in
      let payload = [UInt8](repeating: 9, count: 200_000)
      try fixture.start(units: 0 + 1)
      var most = 0
      for index in 0..<200 {
        let unit = Unit(
          id: "big\(index)", ordinal: Int64(index + 1), payload: payload, state: .open)
        try fixture.commit("plan\(index)", [.planned(UnitsPlanned(units: [unit]))])
        most = max(most, fixture.writer.walPages)
      }
      #expect(most < SQLiteStoreLimits.walPagesSoftMax + 200)
      fixture.writer.rest()
      #expect(fixture.writer.walPages == 0)
      #expect(Files.facts(of: fixture.store.path + "-wal")?.byteCount == 0)
    }
  }

  @Test func `a backup made while writes go on is whole`() async throws {
    try await ScratchFolder.with { folder in
      let fixture = try StoreFixture(path: folder.file("store.db"))
      try fixture.start(units: 500)
      for index in 0..<200 { try fixture.commit("c\(index)", [fixture.verdict(index)]) }
      let path = folder.file("copy.db")
      let backup = try StoreBackup(of: fixture.writer, to: path)
      var index = 200
      var progress = try backup.step()
      while progress.path.isEmpty {
        try fixture.commit("c\(index)", [fixture.verdict(index)])
        index += 1
        progress = try backup.step()
      }
      #expect(progress.path == path && progress.pagesDone == progress.pagesTotal)
      let copy = try StoreFixture(path: path)
      #expect(try copy.reader.verify() == [])
      let totals = try copy.reader.run("run", of: copy.product).run?.totals
      #expect(totals?.succeeded == Int64(index))
      #expect(reason { _ = try StoreBackup(of: fixture.writer, to: path) } == "BACKUP_EXISTS")
    }
  }

  @Test func `a slow question is cut and the next one is not`() async throws {
    try await ScratchFolder.with { folder in
      let fixture = try StoreFixture(path: folder.file("store.db"))
      try fixture.start(units: 900)
      for first in stride(from: 0, to: 900, by: 100) {
        try fixture.commit("c\(first)", (first..<first + 100).map { fixture.verdict($0) })
      }
      var store = fixture.store
      store.questionMax = .zero
      let hurried = try store.openReader()
      let request = QueryVerdictsRequest(order: .highest)
      #expect(reason { _ = try hurried.query(request, of: fixture.product) } == "QUERY_TOO_SLOW")
      #expect(try fixture.reader.query(request, of: fixture.product).verdicts.count == 100)
    }
  }

  @Test func `an order that breaks a rule of the schema fails alone`() async throws {
    try await StoreFixture.with { fixture in
      try fixture.start(units: 5)
      try fixture.commit("a", [fixture.verdict(0)])
      var second = fixture.verdict(1)
      if case .unit(var change) = second {
        change.verdict?.id = "run/v0"
        second = .unit(change)
      }
      let orders = try [
        fixture.commitOrder("b", [fixture.verdict(2)]), fixture.commitOrder("c", [second]),
        fixture.commitOrder("d", [fixture.verdict(3)]),
      ]
      let results = fixture.writer.write(orders, atMicroseconds: 9)
      let reasons = results.map { result in reason { _ = try result.get() } }
      #expect(reasons == [nil, "VERDICT_EXISTS", nil])
      #expect(try fixture.reader.verify() == [])
      #expect(try fixture.reader.run("run", of: fixture.product).run?.totals?.succeeded == 3)
    }
  }
}
