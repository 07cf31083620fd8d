import Failpoints
package import Machine

/// What an epoch and its journal of settlements know each other by: drawn anew whenever a ledger
/// is opened, so that what an earlier one has left in the file, or another ledger, says nothing.
package struct SettlementLife: Equatable, Sendable {
  package static let byteCount = 16
  package let bytes: [UInt8]

  /// nil when these are not so many bytes.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  /// One that no other epoch has.
  package init() { bytes = (0..<Self.byteCount).map { _ in UInt8.random(in: .min ... .max) } }
}

/// Settlements that reach the disk in one write: whole attempts, each from its reservation to its
/// end, so that no other journal is needed to write their lines.
///
/// magic 8, life 16, number 8, oldest 8, bytes of the body 4, sum 8, body; numbers have their
/// lowest byte first. The sum goes over all that stands before it and then over the body.
package struct SettlementGroup {
  private static let magic = Array("assayls1".utf8)
  private static let headBytes = 44
  private static let bytesBeforeBody = headBytes + 8
  static let bodyBytesMax = LedgerLimits.settlementGroupBytesMax - bytesBeforeBody

  package static func path(_ folder: String) -> String { "\(folder)/settlements" }

  /// The bytes of a folder's journal; none when it has none.
  package static func read(_ folder: String) throws(MachineError) -> [UInt8] {
    let path = path(folder)
    guard Files.facts(of: path) != nil else { return [] }
    return try Files.read(path, bytesMax: LedgerLimits.settlementsBytes)
  }

  private var body = JournalWriter()
  package private(set) var count = 0

  package init() {}

  /// Whether one more attempt surely fits.
  package func hasRoom(for attempt: LiveAttempt) -> Bool {
    let more = attempt.reply.count + LedgerLimits.settlementBytesMax
    return body.bytes.count + more <= Self.bodyBytesMax
  }

  /// Adds an attempt that has ended.
  package mutating func add(_ attempt: LiveAttempt) {
    if attempt.line.sent.operation > 0 {
      body.write(sent: attempt)
    } else {
      body.write(.reserved(attempt))
    }
    body.write(ended: attempt)
    count += 1
  }

  package var byteCount: Int { Self.bytesBeforeBody + body.bytes.count }

  /// What is written, in pieces.
  package func pieces(_ place: SettlementRing.Place, in life: SettlementLife) -> [[UInt8]] {
    var head = Self.magic + life.bytes
    for value in [UInt64(bitPattern: place.number), UInt64(bitPattern: place.oldest)] {
      Self.put(value, 8, to: &head)
    }
    Self.put(UInt64(body.bytes.count), 4, to: &head)
    Self.put(Self.sum(head, body.bytes, 0..<body.bytes.count), 8, to: &head)
    Failpoint.pass("ledger.settlements.before-write")
    return [head, body.bytes]
  }

  private static func put(_ value: UInt64, _ count: Int, to bytes: inout [UInt8]) {
    for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
  }

  private static func sum(_ head: [UInt8], _ body: [UInt8], _ range: Range<Int>) -> UInt64 {
    let first = JournalChecksum.of(head, from: 0, to: headBytes, after: 0)
    return JournalChecksum.of(body, from: range.lowerBound, to: range.upperBound, after: first)
  }

  /// Where a write is over and nobody has heard of it.
  package static func isWritten() { Failpoint.pass("ledger.settlements.after-write") }

  /// A whole group as it is found.
  struct Found {
    let number: Int64
    /// The oldest group whose lines were not all committed when this was written.
    let oldest: Int64
    let body: Range<Int>
  }

  /// The group of this life that stands whole at `offset`; nil where none does.
  static func found(at offset: Int, of bytes: [UInt8], in life: SettlementLife) -> Found? {
    guard bytes.count - offset >= bytesBeforeBody,
      bytes[offset..<offset + magic.count].elementsEqual(magic),
      bytes[offset + magic.count..<offset + 24].elementsEqual(life.bytes)
    else { return nil }
    func number(_ place: Int, _ count: Int) -> UInt64 {
      (0..<count).reduce(0) { $0 | UInt64(bytes[offset + place + $1]) << (8 * UInt64($1)) }
    }
    let bodyBytes = Int(number(40, 4))
    let start = offset + bytesBeforeBody
    guard bodyBytes <= bodyBytesMax, bodyBytes <= bytes.count - start else { return nil }
    let head = Array(bytes[offset..<offset + headBytes])
    let body = start..<start + bodyBytes
    guard sum(head, bytes, body) == number(headBytes, 8) else { return nil }
    return Found(
      number: Int64(bitPattern: number(24, 8)), oldest: Int64(bitPattern: number(32, 8)),
      body: body)
  }
}

/// What a journal of settlements says to whoever opens its ledger.
package struct SettlementScan: Equatable, Sendable {
  package private(set) var attempts: [AttemptID: LiveAttempt] = [:]

  /// The newest group says which are the last whose lines may not be committed. One that is not
  /// whole is not believed: if it is the last, nobody was answered; if the disk has damaged it,
  /// what it settled lies in a gap.
  package init(_ bytes: [UInt8], of life: SettlementLife) {
    var found: [SettlementGroup.Found] = []
    var offset = 0
    while offset < bytes.count {
      let group = SettlementGroup.found(at: offset, of: bytes, in: life)
      if let group { found.append(group) }
      let end = max(group?.body.upperBound ?? 0, offset + 1)
      offset = DirectFile.room(for: end)
    }
    guard let newest = found.max(by: { $0.number < $1.number }) else { return }
    for group in found where group.number >= newest.oldest {
      let state = JournalState(Array(bytes[group.body]), mayBeTorn: false)
      attempts.merge(state.attempts) { first, _ in first }
    }
  }
}
