import Machine

/// What a journal says when it is read from its beginning to where it can be believed.
package struct JournalState: Equatable, Sendable {
  package var epoch: Int64 = 0
  package var boot = ""
  package var attempts: [AttemptID: LiveAttempt] = [:]
  /// Whether what it began with stands in it completely.
  package var isWhole = false
  /// Whether nothing but one torn record can be missing at its end.
  package var isUnbroken = true

  package init() {}

  /// Reads up to the first record that is not as it was written.
  ///
  /// `mayBeTorn`: the end of a process can have left the last one unfinished.
  package init(_ bytes: [UInt8], mayBeTorn: Bool = true) {
    var place = 0
    var chain: UInt64 = 0
    while place < bytes.count {
      guard let record = Self.record(in: bytes, at: place, after: chain) else {
        // A write that was cut leaves a record that the file is too short for. Anything else
        // was damaged afterwards, or never came to the disk.
        isUnbroken = mayBeTorn && Self.isTorn(bytes, at: place)
        return
      }
      var reader = JournalBytesReader(bytes, from: place + 4, to: record.end)
      guard reader.apply(to: &self) else {
        isUnbroken = false
        return
      }
      chain = record.chain
      place = record.end + 8
    }
  }

  private static func length(in bytes: [UInt8], at place: Int) -> Int? {
    guard place + 4 <= bytes.count else { return nil }
    return (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
  }

  private static func record(
    in bytes: [UInt8], at place: Int, after chain: UInt64
  ) -> (end: Int, chain: UInt64)? {
    guard let length = length(in: bytes, at: place), length > 0,
      length <= LedgerLimits.recordBytesMax, place + 4 + length + 8 <= bytes.count
    else { return nil }
    let end = place + 4 + length
    let sum = JournalChecksum.of(bytes, from: place, to: end, after: chain)
    let written = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[end + $1]) << (8 * UInt64($1)) }
    return sum == written ? (end, sum) : nil
  }

  private static func isTorn(_ bytes: [UInt8], at place: Int) -> Bool {
    guard let length = length(in: bytes, at: place) else { return true }
    return length > 0 && length <= LedgerLimits.recordBytesMax
      && place + 4 + length + 8 > bytes.count
  }
}
