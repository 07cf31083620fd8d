import Machine
import StoreBackend
import StoreJournal
import TestSupport
import Testing

@Suite struct OrderJournalTests {
  private func keep(_ id: String, in journal: inout OrderJournal) throws -> OrderJournal.Entry {
    let entry = journal.entry(for: [try JournalSamples.commit(id)], at: 3)
    #expect(entry.isKept && journal.hasRoom(for: entry))
    try journal.begin(entry)
    try journal.finish()
    return entry
  }

  @Test func `what is finished is in the file, and begins at its start again`() async throws {
    try await ScratchFolder.with { folder in
      let (path, life) = (folder.file("orders"), JournalLife())
      var journal = try OrderJournal(path, life, base: 7)
      func numbers(behind applied: Int64 = 7) throws -> [Int64] {
        try OrderJournal.records(at: path, of: life, behind: applied).map(\.number)
      }
      #expect(Files.facts(of: path)?.byteCount == JournalLimits.fileBytes)
      for id in ["a", "b"] { journal.isDone(try keep(id, in: &journal)) }
      #expect(try numbers() == [8, 9])
      try journal.takeBack(try keep("c", in: &journal))
      #expect(try numbers() == [8, 9])
      journal.isDone(try keep("d", in: &journal))
      #expect(try numbers() == [8, 9, 12])
      journal.beginAgain()
      #expect(try numbers(behind: 12) == [])
      journal.isDone(try keep("e", in: &journal))
      #expect(try numbers(behind: 12) == [13])
      // Records of a life that is over mean nothing to the next.
      let next = JournalLife()
      #expect(try OrderJournal.records(at: path, of: next, behind: 0) == [])
    }
  }

  @Test func `a journal that is full has to begin again`() async throws {
    try await ScratchFolder.with { folder in
      var journal = try OrderJournal(folder.file("orders"), JournalLife(), base: 0)
      let orders = try (0..<12).map {
        try JournalSamples.commit("\($0)", note: String(repeating: "x", count: 60_000))
      }
      var count = 0
      while true {
        let entry = journal.entry(for: Array(orders.prefix(6)), at: 1)
        guard journal.hasRoom(for: entry) else { break }
        try journal.begin(entry)
        try journal.finish()
        count += 1
      }
      #expect(count > 2 && journal.isHalfFull)
      let entry = journal.entry(for: Array(orders.prefix(6)), at: 1)
      journal.beginAgain()
      #expect(journal.hasRoom(for: entry) && !journal.isHalfFull)
      #expect(!journal.entry(for: orders + orders, at: 1).isKept)
    }
  }
}
