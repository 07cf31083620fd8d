/// One line of an event stream: where it ends, and what its field is.
enum SSELine {
  enum Field {
    case data
    case event
    case id
    case retry
    /// A comment, or a name that means nothing.
    case other
  }

  /// The first line feed or carriage return from `place` on; the count when there is none. Eight
  /// bytes a step.
  static func end(from place: Int, in bytes: [UInt8]) -> Int {
    unsafe bytes.withUnsafeBytes { buffer in
      let count = buffer.count
      var place = place
      while count - place >= 8 {
        let word = unsafe UInt64(
          littleEndian: buffer.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        let found = zeros(word ^ 0x0A0A_0A0A_0A0A_0A0A) | zeros(word ^ 0x0D0D_0D0D_0D0D_0D0D)
        // Borrows set bits above a true one only: the lowest is exact.
        if found != 0 { return place + found.trailingZeroBitCount / 8 }
        place += 8
      }
      while place < count {
        let byte = unsafe buffer[place]
        if byte == 0x0A || byte == 0x0D { return place }
        place += 1
      }
      return place
    }
  }

  private static func zeros(_ word: UInt64) -> UInt64 {
    (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
  }

  /// A field's name and its value, without the one space that may stand before it.
  static func parts(
    of line: Range<Int>, in bytes: [UInt8]
  ) -> (name: Range<Int>, value: Range<Int>) {
    var colon = line.lowerBound
    while colon < line.upperBound, bytes[colon] != UInt8(ascii: ":") { colon += 1 }
    guard colon < line.upperBound else { return (line, line.upperBound..<line.upperBound) }
    var start = colon + 1
    if start < line.upperBound, bytes[start] == 0x20 { start += 1 }
    return (line.lowerBound..<colon, start..<line.upperBound)
  }

  static func field(_ name: Range<Int>, in bytes: [UInt8]) -> Field {
    switch name.count {
    case 2: return bytes[name].elementsEqual("id".utf8) ? .id : .other
    case 4: return bytes[name].elementsEqual("data".utf8) ? .data : .other
    case 5:
      if bytes[name].elementsEqual("event".utf8) { return .event }
      return bytes[name].elementsEqual("retry".utf8) ? .retry : .other
    default: return .other
    }
  }
}
