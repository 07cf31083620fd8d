/// Escapes of strings that are known to be JSON: what they stand for.
enum JSONEscape {
  static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// The scalar of the escape whose backslash is at `place`, which moves behind it.
  static func scalar(at place: inout Int, in bytes: JSONBytes) -> Unicode.Scalar {
    let letter = bytes[place + 1]
    place += 2
    switch letter {
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: return Unicode.Scalar(letter)
    }
    let first = unit(at: &place, in: bytes)
    guard first & 0xF800 == 0xD800 else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
    place += 2
    let second = unit(at: &place, in: bytes)
    let value = 0x10000 + (UInt32(first & 0x3FF) << 10 | UInt32(second & 0x3FF))
    return Unicode.Scalar(value) ?? "\u{FFFD}"
  }

  private static func unit(at place: inout Int, in bytes: JSONBytes) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      value = value << 4 | UInt16(hexDigit(bytes[place]) ?? 0)
      place += 1
    }
    return value
  }

  /// Appends what stands between the quotes, decoded.
  static func decode(_ content: Range<Int>, in bytes: JSONBytes, to text: inout [UInt8]) {
    var place = content.lowerBound
    while place < content.upperBound {
      let end = bytes.backslash(in: place..<content.upperBound)
      bytes.append(place..<end, to: &text)
      place = end
      if place < content.upperBound {
        text.append(contentsOf: UTF8Bytes(scalar(at: &place, in: bytes)))
      }
    }
  }
}

/// The one to four bytes of a scalar.
struct UTF8Bytes: Sequence, IteratorProtocol {
  /// The bytes that are left, the next one lowest; 0 is the scalar's own when `count` says so.
  private var rest: UInt32
  private(set) var count: Int

  init(_ scalar: Unicode.Scalar) {
    let value = scalar.value
    switch value {
    case 0..<0x80:
      rest = value
      count = 1
    case 0..<0x800:
      rest = 0x80C0 | value >> 6 | (value & 0x3F) << 8
      count = 2
    case 0..<0x10000:
      rest = 0x80_80E0 | value >> 12 | (value >> 6 & 0x3F) << 8 | (value & 0x3F) << 16
      count = 3
    default:
      rest = 0x8080_80F0 | value >> 18
      rest |= (value >> 12 & 0x3F) << 8 | (value >> 6 & 0x3F) << 16 | (value & 0x3F) << 24
      count = 4
    }
  }

  mutating func next() -> UInt8? {
    guard count > 0 else { return nil }
    let byte = UInt8(truncatingIfNeeded: rest)
    rest >>= 8
    count -= 1
    return byte
  }
}

/// What stands between the quotes, decoded a byte at a time and without memory of its own.
struct DecodedBytes: Sequence, IteratorProtocol {
  private let bytes: JSONBytes
  private var place: Int
  private let end: Int
  private var pending = UTF8Bytes.empty

  init(_ content: Range<Int>, in bytes: JSONBytes) {
    self.bytes = bytes
    place = content.lowerBound
    end = content.upperBound
  }

  mutating func next() -> UInt8? {
    if let byte = pending.next() { return byte }
    guard place < end else { return nil }
    let byte = bytes[place]
    guard byte == UInt8(ascii: "\\") else {
      place += 1
      return byte
    }
    pending = UTF8Bytes(JSONEscape.scalar(at: &place, in: bytes))
    return pending.next()
  }
}

extension UTF8Bytes {
  static let empty: UTF8Bytes = {
    var bytes = UTF8Bytes("\0")
    _ = bytes.next()
    return bytes
  }()
}
