/// Numbers and texts as bytes of the journal.
package struct JournalWriter {
  package private(set) var bytes: [UInt8] = []
  private var chain: UInt64 = 0

  package init(chain: UInt64 = 0) { self.chain = chain }

  package mutating func number(_ value: Int64) {
    // Zigzag, seven bits a byte: most numbers here are small, and none is lost.
    var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  package mutating func text(_ value: String) {
    let utf8 = value.utf8
    number(Int64(utf8.count))
    bytes.append(contentsOf: utf8)
  }

  package mutating func blob(_ value: [UInt8]) {
    number(Int64(value.count))
    bytes.append(contentsOf: value)
  }

  private mutating func fixed(_ value: UInt64, _ count: Int, at place: Int) {
    for index in 0..<count {
      bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))
    }
  }

  /// A record: its length, what `body` writes, and a checksum over that and all before it.
  package mutating func record(_ body: (inout JournalWriter) -> Void) {
    let start = bytes.count
    bytes.append(contentsOf: [0, 0, 0, 0])
    body(&self)
    let end = bytes.count
    fixed(UInt64(end - start - 4), 4, at: start)
    chain = JournalChecksum.of(bytes, from: start, to: end, after: chain)
    bytes.append(contentsOf: [0, 0, 0, 0, 0, 0, 0, 0])
    fixed(chain, 8, at: end)
  }

  /// What was written since the last time.
  package mutating func take() -> [UInt8] {
    defer { bytes.removeAll(keepingCapacity: true) }
    return bytes
  }

  package mutating func forget() { bytes.removeAll(keepingCapacity: true) }

  package var isEmpty: Bool { bytes.isEmpty }
}

/// A checksum in which every bit of every byte counts, and the order of the records too.
package enum JournalChecksum {
  private static let factor: UInt64 = 0x9FB2_1C65_1E98_DF25

  package static func of(_ bytes: [UInt8], from start: Int, to end: Int, after seed: UInt64)
    -> UInt64
  {
    var sum = seed ^ UInt64(end - start) &* factor
    var place = start
    // Each step can be undone for a given word, so that one changed word never goes unseen.
    while place + 8 <= end {
      var word = UInt64(bytes[place])
      for index in 1..<8 { word |= UInt64(bytes[place + index]) << (8 * UInt64(index)) }
      sum = (sum ^ word) &* factor
      sum ^= sum >> 32
      place += 8
    }
    while place < end {
      sum = (sum ^ UInt64(bytes[place])) &* factor
      sum ^= sum >> 32
      place += 1
    }
    return sum
  }
}

/// The other way: every number within its bounds, or nothing.
package struct JournalBytesReader {
  private let bytes: [UInt8]
  package private(set) var place: Int
  private let end: Int

  package init(_ bytes: [UInt8], from place: Int, to end: Int) {
    self.bytes = bytes
    self.place = place
    self.end = end
  }

  package var isAtEnd: Bool { place == end }

  package mutating func number() -> Int64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while place < end, shift < 64 {
      let byte = bytes[place]
      place += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
      shift += 7
    }
    return nil
  }

  package mutating func blob() -> [UInt8]? {
    guard let count = number(), count >= 0, count <= Int64(end - place) else { return nil }
    defer { place += Int(count) }
    return Array(bytes[place..<place + Int(count)])
  }

  package mutating func text() -> String? { blob().map { String(decoding: $0, as: UTF8.self) } }
}
