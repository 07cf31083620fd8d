import Faults
import Machine
import SQLite
import ScoreContract
import StoreBackend
import StoreContract
import StoreJournal
import TestSupport
import Testing

@testable import StoreSQLite

/// What is answered is there after a power cut, by the log or by the journal, and once.
@Suite(.timeLimit(.minutes(5))) struct JournalTests {
  private static let sequences = 14

  private func durable(_ path: String) -> SQLiteStore { SQLiteStore(path: path) }

  private func answers(_ store: SQLiteStore, _ writer: SQLiteWriter) throws -> StoreAnswers {
    StoreAnswers(of: try store.openReader(), try writer.leases(), .standard)
  }

  /// Opens the files of an image, and says what they hold; damages are an issue.
  private func answers(after image: [[UInt8]?], _ path: String) throws -> StoreAnswers {
    try PowerCut.lay(image, at: path)
    let store = durable(path)
    let writer = try store.openWriter()
    #expect(try store.openReader().verify() == [])
    return try answers(store, writer)
  }

  @Test func `a power cut at any moment loses nothing that was answered and does nothing twice`()
    async throws
  {
    var random = SeededRandom("power cuts")
    var redone = 0
    for sequence in 0..<Self.sequences {
      let seed = random.next()
      try await ScratchFolder.with { folder in
        var random = SeededRandom(seed: seed)
        let (path, other) = (folder.file("store.db"), folder.file("other.db"))
        let model = StoreModel()
        var orders = RandomOrders(
          random: SeededRandom(seed: random.next()), product: .standard, model: model)
        var writer = try durable(path).openWriter()
        var cut = try PowerCut(path)
        for turn in 0..<12 as Range<Int64> {
          let group = (0..<Int.random(in: 1...5, using: &random))
            .compactMap { _ in try? orders.next().get() }
          guard !group.isEmpty else { continue }
          let before = try cut.image()
          let results = writer.write(group, atMicroseconds: turn * 10)
          #expect(writer.hasJournal)
          // In flight: the last record is torn, and nobody was answered.
          if turn % 3 == 0 {
            var torn = try cut.image()
            torn[0] = before[0]
            torn[1] = before[1]
            tear(&torn[2], from: before[2], &random)
            let known = StoreAnswers(of: model, try model.leases(), .standard)
            #expect(try answers(after: cut.cut(torn, &random), other) == known, "seed \(seed)")
          }
          // Answered: all of it is there.
          let expected = model.write(group, atMicroseconds: turn * 10)
          #expect(same(results, expected))
          let image = cut.cut(try cut.image(), &random)
          let known = StoreAnswers(of: model, try model.leases(), .standard)
          #expect(try answers(after: image, other) == known, "sequence \(sequence), seed \(seed)")
          if image[1] != (try cut.image())[1] { redone += 1 }
          switch Int.random(in: 0..<12, using: &random) {
          case 0:
            writer.rest()
            cut.syncedBytes = 0
          case 1:
            try PowerCut.lay(image, at: path)
            writer = try durable(path).openWriter()
            try cut.synced()
          default: break
          }
        }
      }
    }
    #expect(redone > Self.sequences)
  }

  /// The first block in which the images differ keeps a part of what it was.
  private func tear(_ journal: inout [UInt8]?, from before: [UInt8]?, _ random: inout SeededRandom)
  {
    guard var now = journal, let before, now.count == before.count else { return }
    guard let first = now.indices.first(where: { now[$0] != before[$0] }) else { return }
    let end = first / 4_096 * 4_096 + Int.random(in: 0...first % 4_096 + 60, using: &random)
    for at in end..<now.count { now[at] = before[at] }
    journal = now
  }

  private func same(
    _ left: [Result<WriteReceipt, Fault>], _ right: [Result<WriteReceipt, Fault>]
  ) -> Bool {
    func said(_ results: [Result<WriteReceipt, Fault>]) -> [String] {
      results.map { result in
        switch result {
        case .success(let receipt): "\(receipt)"
        case .failure(let fault): fault.reason
        }
      }
    }
    return said(left) == said(right)
  }

  /// A store with a run at work and its journal, and what a cut at once would leave of its log.
  private func started(_ path: String, units: Int = 40) throws -> (StoreFixture, PowerCut) {
    let fixture = try StoreFixture(path: path, isDurable: true)
    try fixture.start(units: units)
    fixture.writer.rest()
    var cut = try PowerCut(path)
    cut.syncedBytes = 0
    return (fixture, cut)
  }

  /// The log without all that was not synced.
  private func withoutLog(_ cut: PowerCut) throws -> [[UInt8]?] {
    var image = try cut.image()
    image[1] = image[1].map { Array($0.prefix(cut.syncedBytes)) }
    return image
  }

  private func succeeded(_ store: SQLiteStore) throws -> Int64? {
    try store.openReader().run("run", of: .standard).run?.totals?.succeeded
  }

  @Test func `done again, and again after a second cut, is done once`() async throws {
    try await ScratchFolder.with { folder in
      let (fixture, cut) = try started(folder.file("store.db"))
      for index in 0..<10 { try fixture.commit("c\(index)", [fixture.verdict(index)]) }
      let first = try withoutLog(cut)
      let other = durable(folder.file("other.db"))
      try PowerCut.lay(first, at: other.path)
      #expect(try succeeded(other) == 0)
      do {
        let writer = try other.openWriter()
        #expect(try succeeded(other) == 10)
        // The journal of before, and what was done again from it.
        try OpenFile(other.path + "-orders", for: .replace).write(try #require(first[2]))
        withExtendedLifetime(writer) {}
      }
      let writer = try other.openWriter()
      #expect(try succeeded(other) == 10)
      let results = writer.write(
        try (0..<10).map { try fixture.commitOrder("c\($0)", [fixture.verdict($0)]) },
        atMicroseconds: 99)
      for result in results {
        guard case .committed(let response, _, _, _) = try result.get() else { continue }
        #expect(response.isReplay && response.committedAtUs == 7)
      }
      #expect(try other.openReader().verify() == [])
    }
  }

  @Test func `a group refused by a full disk stays refused after a power cut`() async throws {
    try await ScratchFolder.with { folder in
      let (fixture, cut) = try started(folder.file("store.db"), units: 400)
      try fixture.commit("first", [fixture.verdict(0)])
      let connection = fixture.writer.connection
      try connection.setPagesMax(Int(connection.number("PRAGMA page_count")) + 2)
      var next = 1
      while next < 400 {
        let order = try fixture.commitOrder("c\(next)", [fixture.verdict(next)])
        guard case .success = fixture.writer.write([order], atMicroseconds: 8)[0] else { break }
        next += 1
      }
      #expect(next < 400 && fixture.writer.fault == nil)
      try connection.setPagesMax(1_000_000)
      let other = durable(folder.file("other.db"))
      try PowerCut.lay(try withoutLog(cut), at: other.path)
      do {
        let writer = try other.openWriter()
        #expect(try succeeded(other) == Int64(next))
        withExtendedLifetime(writer) {}
      }
      try fixture.commit("later", [fixture.verdict(next + 1)])
      try PowerCut.lay(try withoutLog(cut), at: other.path)
      _ = try other.openWriter()
      #expect(try succeeded(other) == Int64(next + 1))
      #expect(try other.openReader().verify() == [])
    }
  }

  @Test func `a group too large for the journal is synced with the log`() async throws {
    try await ScratchFolder.with { folder in
      var (fixture, cut) = try started(folder.file("store.db"), units: 1)
      try fixture.commit("small", [.note(Note(code: "A", text: "before"))])
      let orders = try (0..<10).map { index in
        let unit = Unit(
          id: "b\(index)", ordinal: Int64(index + 1), payload: .init(repeating: 9, count: 200_000),
          state: .open)
        return try fixture.commitOrder("p\(index)", [.planned(UnitsPlanned(units: [unit]))])
      }
      for result in fixture.writer.write(orders, atMicroseconds: 9) { _ = try result.get() }
      try cut.synced()
      #expect(cut.syncedBytes > 1 << 20)
      try fixture.commit("after", [.note(Note(code: "A", text: "behind"))])
      let other = durable(folder.file("other.db"))
      try PowerCut.lay(try withoutLog(cut), at: other.path)
      _ = try other.openWriter()
      let events = try other.openReader().events(of: "run", after: 0, countMax: 99, of: .standard)
      #expect(events.count == 4 + 12)
      #expect(try other.openReader().verify() == [])
    }
  }

  @Test func `the journal beside a restored backup is not done in it`() async throws {
    try await ScratchFolder.with { folder in
      let (fixture, cut) = try started(folder.file("store.db"))
      for index in 0..<5 { try fixture.commit("c\(index)", [fixture.verdict(index)]) }
      let copy = folder.file("copy.db")
      let backup = try StoreBackup(of: fixture.writer, to: copy)
      while try backup.step().path.isEmpty {}
      #expect(Files.entries(of: folder.path).filter { $0.hasPrefix("copy.db") } == ["copy.db"])
      for index in 5..<9 { try fixture.commit("c\(index)", [fixture.verdict(index)]) }
      var image = try withoutLog(cut)
      image[0] = try Files.read(copy)
      image[1] = nil
      let other = durable(folder.file("other.db"))
      try PowerCut.lay(image, at: other.path)
      _ = try other.openWriter()
      #expect(try succeeded(other) == 5)
      #expect(try other.openReader().verify() == [])
    }
  }

  @Test func `a journal that lacks what the database needs is refused, and left as it is`()
    async throws
  {
    try await ScratchFolder.with { folder in
      let (fixture, cut) = try started(folder.file("store.db"))
      for index in 0..<6 { try fixture.commit("c\(index)", [fixture.verdict(index)]) }
      let other = durable(folder.file("other.db"))
      var image = try withoutLog(cut)
      image[2]?[2 * 4_096 + 200] ^= 4
      try PowerCut.lay(image, at: other.path)
      #expect(reason { _ = try other.openWriter() } == "STORE_JOURNAL_DAMAGED")
      #expect(try Files.read(other.path + "-orders", bytesMax: 1 << 26) == image[2])
      // Whoever moves it away goes on without it.
      try Files.remove(other.path + "-orders")
      _ = try other.openWriter()
      #expect(try succeeded(other) == 0)
    }
  }

  @Test func `a store without a journal does first what another left in one`() async throws {
    try await ScratchFolder.with { folder in
      let (fixture, cut) = try started(folder.file("store.db"))
      for index in 0..<3 { try fixture.commit("c\(index)", [fixture.verdict(index)]) }
      var other = durable(folder.file("other.db"))
      other.keepsJournal = false
      try PowerCut.lay(try withoutLog(cut), at: other.path)
      let writer = try other.openWriter()
      #expect(!writer.hasJournal)
      #expect(try succeeded(other) == 3)
      let order = try fixture.commitOrder("d", [fixture.verdict(3)])
      _ = try writer.write([order], atMicroseconds: 9)[0].get()
      // What it wrote since is in no journal, and what the old one has is not done again.
      let last = try PowerCut(other.path).image()
      try PowerCut.lay(last, at: other.path)
      _ = try durable(other.path).openWriter()
      #expect(try succeeded(other) == 4)
    }
  }
}
