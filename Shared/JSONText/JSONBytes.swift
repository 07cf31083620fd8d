import Glibc

/// Borrowed bytes that are read without a trap: behind the end there are zeros.
///
/// Lives no longer than the call that lends the bytes. Every read is checked against `count`.
@safe
struct JSONBytes {
  private let buffer: UnsafeRawBufferPointer
  let count: Int

  init(_ buffer: UnsafeRawBufferPointer) {
    unsafe self.buffer = buffer
    count = buffer.count
  }

  /// The byte at a place, 0 behind the end.
  subscript(place: Int) -> UInt8 {
    place < count ? unsafe buffer[place] : 0
  }

  /// Lends a range that is known to lie within.
  func lend<R, E: Error>(_ range: Range<Int>, _ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    try body(unsafe buffer.bytes.extracting(range))
  }

  /// Appends a range to an array.
  func append(_ range: Range<Int>, to array: inout [UInt8]) {
    unsafe array.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[range]))
  }

  func buffer(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: buffer[range])
  }

  // MARK: - Looking ahead

  /// The first byte from `place` on that is a quote, a backslash, a control or not ASCII; `count`
  /// when there is none. Eight bytes a step, and four steps a turn in a long string.
  func plainEnd(from place: Int) -> Int {
    var place = place
    while count - place >= 32 {
      let first = Self.special(word(place))
      let second = Self.special(word(place + 8))
      let third = Self.special(word(place + 16))
      let fourth = Self.special(word(place + 24))
      if first | second | third | fourth == 0 {
        place += 32
        continue
      }
      if first != 0 { return place + first.trailingZeroBitCount / 8 }
      if second != 0 { return place + 8 + second.trailingZeroBitCount / 8 }
      if third != 0 { return place + 16 + third.trailingZeroBitCount / 8 }
      return place + 24 + fourth.trailingZeroBitCount / 8
    }
    while count - place >= 8 {
      let found = Self.special(word(place))
      if found != 0 { return place + found.trailingZeroBitCount / 8 }
      place += 8
    }
    while place < count, Self.isPlain(unsafe buffer[place]) { place += 1 }
    return place
  }

  /// The first backslash in a range; its end when there is none.
  func backslash(in range: Range<Int>) -> Int {
    guard !range.isEmpty, let base = unsafe buffer.baseAddress,
      let found = unsafe memchr(base + range.lowerBound, Int32(UInt8(ascii: "\\")), range.count)
    else { return range.upperBound }
    return unsafe base.distance(to: UnsafeRawPointer(found))
  }

  /// Whether two ranges hold the same bytes.
  func equal(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
    left.count == right.count && order(left, right) == 0
  }

  /// Whether a range holds these bytes, of which there are as many.
  func equal(_ range: Range<Int>, _ text: Span<UInt8>) -> Bool {
    unsafe text.withUnsafeBytes { other in
      guard range.count == other.count, let one = unsafe buffer.baseAddress,
        let two = other.baseAddress
      else { return range.count == other.count }
      return unsafe memcmp(one + range.lowerBound, two, range.count) == 0
    }
  }

  /// Below 0, 0 or above as the left range sorts before, with or behind the right one.
  func order(_ left: Range<Int>, _ right: Range<Int>) -> Int {
    let shared = min(left.count, right.count)
    guard shared > 0, let base = unsafe buffer.baseAddress else { return left.count - right.count }
    let found = unsafe memcmp(base + left.lowerBound, base + right.lowerBound, shared)
    return found == 0 ? left.count - right.count : Int(found)
  }

  /// Eight bytes, the first the lowest; the caller has made sure of them.
  private func word(_ place: Int) -> UInt64 {
    UInt64(littleEndian: unsafe buffer.loadUnaligned(fromByteOffset: place, as: UInt64.self))
  }

  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highs: UInt64 = 0x8080_8080_8080_8080

  /// The high bit of every byte that is not plain. Borrows can set bits above a true one, never
  /// below, so the lowest is exact.
  private static func special(_ word: UInt64) -> UInt64 {
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5C)
    let control = word &- (ones &* 0x20)
    return (control | (quote &- ones) | (backslash &- ones) | word) & highs
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }
}
