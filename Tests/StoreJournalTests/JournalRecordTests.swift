import Digest
import Faults
import StoreBackend
import StoreJournal
import TestSupport
import Testing

@Suite struct JournalRecordTests {
  private let life = JournalLife()

  private func read(_ bytes: [UInt8], behind applied: Int64 = 0) throws -> [JournalRecord] {
    try JournalScan.records(in: bytes, of: life, behind: applied)
  }

  private func reason(_ body: () throws -> Void) -> String? {
    do { try body() } catch { return (error as? Fault)?.reason ?? "\(error)" }
    return nil
  }

  @Test func `every kind of order is read as it was written`() throws {
    let record = JournalRecord(
      number: 1, base: 0, kind: .orders(try JournalSamples.everyKind(), atMicroseconds: -5))
    #expect(try read(JournalSamples.bytes([record], of: life)) == [record])
  }

  @Test func `a group longer than a record may be is not taken`() throws {
    let note = String(repeating: "x", count: 60_000)
    let orders = try (0..<18).map { try JournalSamples.commit("\($0)", note: note) }
    func pieces(_ orders: [WriteOrder]) -> [[UInt8]]? {
      JournalRecord(number: 1, base: 0, kind: .orders(orders, atMicroseconds: 1)).pieces(in: life)
    }
    #expect(pieces(orders) == nil)
    let kept = try #require(pieces(Array(orders.prefix(8))))
    #expect(kept.reduce(0) { $0 + $1.count } <= JournalLimits.recordBytesMax)
  }

  @Test func `a journal is what stands behind the last group of the database`() throws {
    let records = try (1...6).map { try JournalSamples.record($0) }
    for count in 0...6 {
      let bytes = JournalSamples.bytes(Array(records.prefix(count)), of: life)
      for applied in 0...6 {
        #expect(
          try read(bytes, behind: Int64(applied)) == Array(records.prefix(count).dropFirst(applied))
        )
      }
    }
  }

  @Test func `a last record that is torn at any byte ends the journal before it`() throws {
    let long = String(repeating: "long ", count: 2_000)
    let records = [
      try JournalSamples.record(1), try JournalSamples.record(2),
      try JournalSamples.record(3, note: long),
    ]
    let old = JournalSamples.bytes(
      try (-20 ... -1).map { try JournalSamples.record($0) }, of: life)
    let whole = JournalSamples.bytes(records, of: life, over: old)
    let start = 2 * JournalLimits.blockBytes
    let end = start + (records[2].pieces(in: life) ?? []).reduce(0) { $0 + $1.count }
    #expect(end - start > 2 * JournalLimits.blockBytes)
    for cut in start..<end {
      var torn = whole
      torn[cut] ^= 0x10
      #expect(try read(torn) == Array(records.prefix(2)), "byte \(cut - start)")
    }
    // What was written up to a place, and what stood there before.
    for cut in stride(from: start, through: end, by: 97) {
      let torn = Array(whole[..<cut]) + Array(old[cut...])
      #expect(try read(torn) == Array(records.prefix(2)), "up to \(cut - start)")
    }
    #expect(try read(whole) == records)
  }

  @Test func `older records behind the end are of the time before, newer ones are damage`() throws {
    let before = JournalSamples.bytes(try (1...9).map { try JournalSamples.record($0) }, of: life)
    let again = try (10...12).map { try JournalSamples.record($0) }
    var bytes = JournalSamples.bytes(again, of: life, over: before)
    #expect(try read(bytes, behind: 9) == again)
    #expect(try read(bytes, behind: 11) == Array(again.suffix(1)))
    #expect(try read(bytes, behind: 12) == [])
    // The first of them was torn as it began again: nothing is to be done.
    bytes = JournalSamples.bytes(Array(again.prefix(1)), of: life, over: before)
    bytes[70] ^= 1
    #expect(try read(bytes, behind: 9) == [])
    // One in the middle has changed, and a newer one stands behind it.
    bytes = JournalSamples.bytes(again, of: life, over: before)
    bytes[JournalLimits.blockBytes + 100] ^= 1
    #expect(reason { _ = try read(bytes, behind: 9) } == "STORE_JOURNAL_DAMAGED")
    #expect(try read(bytes, behind: 12) == [])
  }

  @Test func `a journal of another life says nothing`() throws {
    let bytes = JournalSamples.bytes([try JournalSamples.record(1)], of: JournalLife())
    #expect(try read(bytes) == [])
    #expect(try read([]) == [] && read([UInt8](repeating: 0xFF, count: 9_000)) == [])
  }

  @Test func `what was taken back is not done again, and what follows builds on what was before`()
    throws
  {
    let records = [
      try JournalSamples.record(1), try JournalSamples.record(2), JournalSamples.void(3, base: 1),
      try JournalSamples.record(4, base: 1), try JournalSamples.record(5),
    ]
    let bytes = JournalSamples.bytes(records, of: life)
    #expect(try read(bytes).map(\.number) == [1, 4, 5])
    #expect(try read(bytes, behind: 1).map(\.number) == [4, 5])
    // Before the word that it is void was whole, nobody had heard that it was refused.
    let early = JournalSamples.bytes(Array(records.prefix(2)), of: life)
    #expect(try read(early).map(\.number) == [1, 2])
  }

  @Test func `a group that builds upon one that nobody has is damage`() throws {
    let bytes = JournalSamples.bytes([try JournalSamples.record(7)], of: life)
    #expect(reason { _ = try read(bytes, behind: 5) } == "STORE_JOURNAL_DAMAGED")
    #expect(try read(bytes, behind: 6).map(\.number) == [7])
    #expect(try read(bytes, behind: 7) == [])
  }

  /// A record with other bytes and the right sum, as a later program might write it.
  private func forged(_ change: (inout [UInt8], inout [UInt8]) -> Void) throws -> [UInt8] {
    let record = JournalRecord(
      number: 1, base: 0, kind: .orders(try JournalSamples.everyKind(), atMicroseconds: 5))
    let pieces = try #require(record.pieces(in: life))
    var (head, body) = (pieces[0], pieces[2])
    change(&head, &body)
    let count = (0..<4).map { UInt8(truncatingIfNeeded: body.count >> ($0 * 8)) }
    head.replaceSubrange(56..<60, with: count)
    var sum = SHA256()
    sum.update(head)
    sum.update(body)
    return head + sum.finish().prefix(16) + body
  }

  @Test func `what this program does not understand is refused, whatever it is`() throws {
    var random = SeededRandom("forged journals")
    let isUnreadable = "STORE_JOURNAL_UNREADABLE"
    #expect(try read(try forged { _, _ in }).count == 1)
    #expect(
      reason {
        _ = try read(
          forged {
            $0[48] = 9; _ = $1
          })
      } == isUnreadable)
    #expect(
      reason {
        _ = try read(
          forged {
            $1[0] = 77; _ = $0
          })
      } == isUnreadable)
    #expect(
      reason {
        _ = try read(
          forged {
            $1.append(0); _ = $0
          })
      } == isUnreadable)
    #expect(
      reason {
        _ = try read(
          forged {
            $0[52] += 1; _ = $1
          })
      } == isUnreadable)
    for _ in 0..<3_000 {
      let place = Int.random(in: 0..<200, using: &random)
      let mask = UInt8.random(in: 1...255, using: &random)
      let cut = Int.random(in: 0...3, using: &random) == 0
      let bytes = try forged { _, body in
        body[place % body.count] ^= mask
        if cut { body.removeLast(place % body.count) }
      }
      // It may still make sense; it must not end the process.
      let found = reason { _ = try read(bytes) }
      #expect(found == nil || found == isUnreadable || found == "BAD_PRODUCT")
    }
  }
}
