import GatewayBudgets
import GatewayValues
import LedgerFile
import Machine
import TestSupport
import Testing

@testable import GatewayLedger

@Suite struct JournalTests {
  private func attempt(_ number: Int64) -> LiveAttempt {
    var order = AttemptOrder(
      party: CallParty(
        product: LedgerFixture.product, key: LedgerFixture.name("key"),
        run: LedgerFixture.name("run"), model: LedgerFixture.model),
      provider: LedgerFixture.name("provider"),
      bound: CallBound(inputTokensMax: number, outputTokensMax: .max, webSearchesMax: 3))
    order.kind = .hedge
    order.isBatched = true
    // Of some of them something is expected; the others are written as before.
    order.cacheReadPredicted = number % 3
    var line = LedgerLine(attempt: AttemptID(epoch: 3, counter: number), order: order)
    line.callKey = "call-\(number)"
    line.bound = NanoDollars(number * 1_000)
    line.accounts = [1, 300, number]
    line.priceVersion = "v1"
    line.reserved = LedgerLine.Moment(operation: number, milliseconds: 1_795_608_000_000)
    return LiveAttempt(line: line, requestHash: [1, 2, 255])
  }

  private func ended(_ attempt: LiveAttempt) -> LiveAttempt {
    var attempt = attempt
    attempt.line.state = .settled
    attempt.line.standing = .estimated
    attempt.line.outcome = .truncated
    attempt.line.usage = TokenUsage(
      freshInput: 1, cacheRead: 2, cacheWriteShort: 3, cacheWriteLong: 4, output: 5,
      reasoning: 6, webSearches: 7)
    attempt.line.cost = NanoDollars(.max)
    attempt.line.flags = [.overBound]
    attempt.line.answeredModel = "model-1"
    attempt.line.providerRequestID = "req"
    attempt.line.ended = LedgerLine.Moment(operation: 9, milliseconds: -5)
    attempt.endsCall = true
    attempt.reply = Array(0...255)
    return attempt
  }

  /// The bytes of a journal, and how many attempts are known after each record.
  private func journal() -> (bytes: [UInt8], ends: [(place: Int, state: JournalState)]) {
    var writer = JournalWriter()
    var bytes: [UInt8] = []
    var ends: [(place: Int, state: JournalState)] = []
    var records: [JournalRecord] = [.opened(epoch: 3, boot: "boot"), .whole]
    for number in Int64(1)...6 {
      let attempt = attempt(number)
      records.append(.reserved(attempt))
      records.append(.sent(attempt.line.attempt, LedgerLine.Moment(operation: 7)))
      var sent = attempt
      sent.line.sent = LedgerLine.Moment(operation: 7)
      if number % 2 == 0 { records.append(.ended(ended(sent))) }
    }
    for record in records {
      writer.write(record)
      bytes += writer.take()
      ends.append((bytes.count, JournalState(bytes)))
    }
    return (bytes, ends)
  }

  @Test func `what is written is read again`() {
    let state = JournalState(journal().bytes)
    #expect(state.epoch == 3 && state.boot == "boot" && state.isWhole && state.isUnbroken)
    #expect(state.attempts.count == 6)
    var second = attempt(2)
    second.line.sent = LedgerLine.Moment(operation: 7)
    #expect(state.attempts[second.line.attempt] == ended(second))
  }

  @Test func `a journal cut anywhere says what was whole, and that its end is torn`() {
    let (bytes, ends) = journal()
    for count in 0...bytes.count {
      let state = JournalState(Array(bytes.prefix(count)))
      let last = ends.last { $0.place <= count }
      #expect(state == (last?.state ?? JournalState()), "cut at \(count)")
      #expect(state.isUnbroken)
    }
  }

  @Test func `every flipped bit is seen`() {
    let (bytes, ends) = journal()
    for place in bytes.indices {
      for bit in [UInt8(1), 0x10, 0x80] {
        var damaged = bytes
        damaged[place] ^= bit
        let state = JournalState(damaged)
        let last = ends.last { $0.place <= place }
        #expect(state.attempts == (last?.state ?? JournalState()).attempts, "flip at \(place)")
      }
    }
  }

  /// A journal file with six attempts of which two ended.
  private func file(in folder: String) throws -> JournalFile {
    let journal = try JournalFile(
      in: folder, number: 1, epoch: 3, boot: "boot", carrying: [LiveAttempt]())
    for number in Int64(1)...6 {
      var attempt = attempt(number)
      attempt.line.sent = LedgerLine.Moment(operation: 7)
      journal.add(sent: attempt)
      if number > 4 { journal.add(ended: ended(attempt)) }
      try journal.flush()
    }
    return journal
  }

  @Test func `what a journal was given and not told to keep does not count`() async throws {
    try await ScratchFolder.with { scratch in
      let journal = try file(in: scratch.path)
      let path = JournalFile.path(scratch.path, 1)
      let state = try JournalFile.read(path)
      #expect(state.isWhole && state.isUnbroken && state.boot == "boot" && state.epoch == 3)
      #expect(state.attempts.count == 6)
      #expect(state.attempts.values.count { $0.line.state == .settled } == 2)
      journal.add(sent: attempt(7))
      #expect(try JournalFile.read(path) == state)
      // A process that ends while it writes leaves anything behind what counts.
      var bytes = try Files.read(path)
      for place in 0..<100 { bytes[16 + journal.byteCount + place] = UInt8(place) }
      try OpenFile(path, for: .replace).write(bytes)
      #expect(try JournalFile.read(path) == state)
    }
  }

  @Test func `what counts and is not there as it was written is a disk's loss`() async throws {
    try await ScratchFolder.with { scratch in
      let journal = try file(in: scratch.path)
      let path = JournalFile.path(scratch.path, 1)
      let whole = try Files.read(path)
      for place in stride(from: 16, to: 16 + journal.byteCount, by: 5) {
        try OpenFile(path, for: .replace).write(Array(whole.prefix(place)))
        #expect(try !JournalFile.read(path).isUnbroken, "cut at \(place)")
        var damaged = whole
        damaged[place] ^= 4
        try OpenFile(path, for: .replace).write(damaged)
        #expect(try !JournalFile.read(path).isUnbroken, "damaged at \(place)")
      }
    }
  }

  @Test func `a journal grows as far as it must`() async throws {
    try await ScratchFolder.with { scratch in
      var large = ended(attempt(1))
      large.line.sent = LedgerLine.Moment(operation: 7)
      large.reply = [UInt8](repeating: 9, count: LedgerLimits.replyBytesMax)
      let live = (Int64(1)...5).map { number in
        var one = large
        one.line = ended(attempt(number)).line
        one.line.sent = LedgerLine.Moment(operation: 7)
        return one
      }
      _ = try JournalFile(in: scratch.path, number: 2, epoch: 3, boot: "", carrying: live)
      let state = try JournalFile.read(JournalFile.path(scratch.path, 2))
      #expect(state.isWhole && state.isUnbroken)
      #expect(live.allSatisfy { state.attempts[$0.line.attempt] == $0 })
    }
  }

  @Test func `a journal of before is read as it was written`() async throws {
    try await ScratchFolder.with { scratch in
      let (bytes, _) = journal()
      let path = JournalFile.path(scratch.path, 1)
      for count in [bytes.count, bytes.count - 3, 10, 0] {
        try OpenFile(path, for: .replace).write(Array(bytes.prefix(count)))
        #expect(try JournalFile.read(path) == JournalState(Array(bytes.prefix(count))))
      }
    }
  }

  @Test func `random bytes are no journal and never trap`() {
    var random = SeededRandom("journal bytes")
    for _ in 0..<2_000 {
      _ = JournalState(random.bytes(countMax: 300))
      _ = JournalState(random.mutation(of: journal().bytes))
    }
  }
}
