// StoreJournal: what a store is asked for, group by group, in a file that is quick to make durable,
// until the database's own log is synced: its records as bytes, and the one file that they lie in.
// It never looks into a database and decides nothing about an order: who opens a database reads
// the records behind what it holds and asks for them again. Limits: `JournalLimits`.

import Digest
import Faults
package import StoreBackend

/// Bounds of a journal.
package enum JournalLimits {
  /// Of the file: some thousand groups of one order.
  package static let fileBytes = 4 << 20
  /// Of one record; a group that takes more is kept by a sync of the database's log.
  package static let recordBytesMax = 1 << 20
  /// Records stand at multiples of this.
  package static let blockBytes = 4_096
}

/// The name that a journal and its database share for as long as they belong together: drawn anew
/// whenever the database is opened, and for each copy of it.
package struct JournalLife: Sendable, Equatable {
  package static let byteCount = 16

  package let bytes: [UInt8]

  /// Nil when these are not so many bytes.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  /// One that no other database has.
  package init() { bytes = (0..<Self.byteCount).map { _ in UInt8.random(in: .min ... .max) } }
}

/// One group, or the word that the group before it did not happen.
package struct JournalRecord: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    case orders([WriteOrder], atMicroseconds: Int64)
    /// The record before this was taken back; whoever asked for it was refused.
    case void
  }

  /// Numbers of a life follow one another, those of void records too.
  package let number: Int64
  /// The group that the database had taken last when this was written.
  package let base: Int64
  package let kind: Kind

  package init(number: Int64, base: Int64, kind: Kind) {
    self.number = number
    self.base = base
    self.kind = kind
  }
}

// MARK: - Bytes

// magic 8, life 16, number 8, base 8, time 8, kind 4, orders 4, bytes of the body 4, nothing 4,
// sum 16, body; numbers have their lowest byte first. The sum is the beginning of SHA-256 over all
// that stands before it and the body.
extension JournalRecord {
  private static let magic = Array("assayjr1".utf8)
  private static let sumBytes = 16
  private static let headBytes = 64
  static let bytesBeforeBody = headBytes + sumBytes

  private enum Mark {
    static let orders: UInt32 = 1
    static let void: UInt32 = 2
  }

  /// What is written, in pieces; nil when it is longer than a record may be.
  package func pieces(in life: JournalLife) -> [[UInt8]]? {
    var body = OrderBytes()
    var head = OrderBytes()
    head.bytes.reserveCapacity(Self.headBytes)
    head.bytes += Self.magic
    head.bytes += life.bytes
    head.put(UInt64(bitPattern: number))
    head.put(UInt64(bitPattern: base))
    switch kind {
    case .orders(let orders, let now):
      for order in orders {
        body.put(order)
        guard body.bytes.count <= JournalLimits.recordBytesMax - Self.bytesBeforeBody else {
          return nil
        }
      }
      head.put(UInt64(bitPattern: now))
      head.put(Mark.orders)
      head.put(UInt32(orders.count))
    case .void:
      head.put(UInt64(0))
      head.put(Mark.void)
      head.put(UInt32(0))
    }
    head.put(UInt32(body.bytes.count))
    head.put(UInt32(0))
    return [head.bytes, Self.sum(head.bytes, body.bytes), body.bytes]
  }

  private static func sum(_ head: [UInt8], _ body: [UInt8]) -> [UInt8] {
    var sum = SHA256()
    sum.update(head)
    sum.update(body)
    return Array(sum.finish().prefix(sumBytes))
  }

  /// The number and the bytes of a whole record of this life that stands at `offset`; nil where
  /// none does.
  static func frame(
    at offset: Int, of bytes: [UInt8], in life: JournalLife
  ) -> (number: Int64, range: Range<Int>)? {
    guard bytes.count - offset >= bytesBeforeBody,
      bytes[offset..<offset + magic.count].elementsEqual(magic)
    else { return nil }
    var reader = OrderReader(bytes, offset + magic.count..<offset + headBytes)
    guard (try? reader.raw(JournalLife.byteCount)) == life.bytes,
      let number = try? reader.number(), (try? reader.number()) != nil,
      (try? reader.number()) != nil, (try? reader.short()) != nil, (try? reader.short()) != nil,
      let bodyBytes = try? Int(reader.short()),
      bodyBytes <= bytes.count - offset - bytesBeforeBody
    else { return nil }
    let start = offset + bytesBeforeBody
    let told = bytes[offset + headBytes..<start]
    let head = Array(bytes[offset..<offset + headBytes])
    guard told.elementsEqual(sum(head, Array(bytes[start..<start + bodyBytes]))) else {
      return nil
    }
    return (Int64(bitPattern: number), offset..<start + bodyBytes)
  }

  /// Reads a record that is whole; a fault when it says what this program does not understand.
  init(_ bytes: [UInt8], _ range: Range<Int>) throws(Fault) {
    let start = range.lowerBound + Self.bytesBeforeBody
    var head = OrderReader(
      bytes, range.lowerBound + Self.magic.count + JournalLife.byteCount..<start)
    number = Int64(bitPattern: try head.number())
    base = Int64(bitPattern: try head.number())
    let now = Int64(bitPattern: try head.number())
    let mark = try head.short()
    let count = try head.short()
    switch mark {
    case Mark.void: kind = .void
    case Mark.orders:
      var body = OrderReader(bytes, start..<range.upperBound)
      var orders: [WriteOrder] = []
      for _ in 0..<count { orders.append(try body.order()) }
      guard body.isAtEnd else { throw .journalUnreadable("bytes behind the last order") }
      kind = .orders(orders, atMicroseconds: now)
    default: throw .journalUnreadable("a record of kind \(mark)")
    }
  }
}

extension Fault {
  /// What is answered and kept cannot be read again, so that going on would lose it.
  static func journalUnreadable(_ what: String) -> Fault {
    Fault(
      .dataLoss, reason: "STORE_JOURNAL_UNREADABLE",
      "The journal holds what this program does not understand: \(what).",
      hint: "Start the program that wrote it once, or restore the database from a backup.")
  }

  /// Records are missing or changed in the middle of what must be done again.
  static func journalDamaged(_ what: String) -> Fault {
    Fault(
      .dataLoss, reason: "STORE_JOURNAL_DAMAGED",
      "The journal of the database is damaged: \(what).",
      hint: "Restore database and journal together, or a backup; to go on without what the "
        + "journal holds, move the journal away.")
  }
}
