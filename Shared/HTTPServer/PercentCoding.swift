/// The escapes of targets: `%` and two hexadecimal digits.
enum PercentCoding {
  /// Whether every escape has its digits, none is NUL, and what they decode to is UTF-8.
  static func isWellFormed(_ bytes: ArraySlice<UInt8>) -> Bool {
    var index = bytes.startIndex
    while let mark = bytes[index...].firstIndex(of: UInt8(ascii: "%")) {
      guard let value = value(at: mark, in: bytes), value != 0 else { return false }
      index = mark + 3
    }
    return String(validating: decoded(bytes, keepingSlash: false), as: UTF8.self) != nil
  }

  /// Escapes without two digits stay as they are.
  static func decoded(_ bytes: ArraySlice<UInt8>, keepingSlash: Bool) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index < bytes.endIndex {
      if bytes[index] == UInt8(ascii: "%"), let value = value(at: index, in: bytes),
        !(keepingSlash && value == UInt8(ascii: "/"))
      {
        result.append(value)
        index += 3
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }

  /// As forms write text: a plus is a space.
  static func formText(_ bytes: ArraySlice<UInt8>) -> String {
    let spaced = bytes.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
    return String(decoding: decoded(spaced[...], keepingSlash: false), as: UTF8.self)
  }

  private static func value(at mark: Int, in bytes: ArraySlice<UInt8>) -> UInt8? {
    guard mark + 2 < bytes.endIndex, let high = digit(bytes[mark + 1]),
      let low = digit(bytes[mark + 2])
    else { return nil }
    return high << 4 | low
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
  }
}
