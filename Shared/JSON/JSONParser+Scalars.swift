extension JSONParser {
  // MARK: - Numbers

  mutating func numberValue() throws(JSONError) -> JSONNumber {
    let start = offset
    if current == UInt8(ascii: "-") { offset += 1 }
    if current == UInt8(ascii: "0") {
      offset += 1
      if let next = current, Self.isDigit(next) { throw error(.invalidNumber, at: start) }
    } else {
      try digits(of: start)
    }
    if current == UInt8(ascii: ".") {
      offset += 1
      try digits(of: start)
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      offset += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { offset += 1 }
      try digits(of: start)
    }
    guard offset - start <= limits.numberBytesMax else {
      throw error(.numberTooLong(limit: limits.numberBytesMax), at: start)
    }
    guard let text = string(start..<offset) else { throw error(.invalidNumber, at: start) }
    return JSONNumber(unchecked: text)
  }

  /// One digit or more.
  private mutating func digits(of start: Int) throws(JSONError) {
    let first = offset
    while let byte = current, Self.isDigit(byte) { offset += 1 }
    if offset > first { return }
    throw error(
      current == nil ? .unexpectedEnd : .invalidNumber, at: current == nil ? offset : start)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  // MARK: - Strings

  /// Reads from the opening quote to behind the closing one.
  mutating func stringValue() throws(JSONError) -> String {
    offset += 1
    let start = offset
    try skipPlain()
    if current == UInt8(ascii: "\"") {
      // The common string has no escape: one validated copy.
      guard let text = string(start..<offset) else {
        throw error(.invalidUTF8, at: firstInvalid(start..<offset))
      }
      offset += 1
      return text
    }
    return try escapedString(from: start)
  }

  /// Moves to the next quote or backslash.
  private mutating func skipPlain() throws(JSONError) {
    while let byte = current {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return }
      guard byte >= 0x20 else { throw error(.controlCharacterInString, at: offset) }
      offset += 1
    }
    throw error(.unexpectedEnd, at: offset)
  }

  private mutating func escapedString(from start: Int) throws(JSONError) -> String {
    var text = ""
    var plainStart = start
    while true {
      guard let plain = string(plainStart..<offset) else {
        throw error(.invalidUTF8, at: firstInvalid(plainStart..<offset))
      }
      text += plain
      if current == UInt8(ascii: "\"") { break }
      text.unicodeScalars.append(try escape())
      plainStart = offset
      try skipPlain()
    }
    offset += 1
    return text
  }

  private mutating func escape() throws(JSONError) -> Unicode.Scalar {
    let start = offset
    offset += 1
    guard let byte = current else { throw error(.unexpectedEnd, at: offset) }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape(from: start)
    default: throw error(.invalidEscape, at: start)
    }
  }

  private mutating func unicodeEscape(from start: Int) throws(JSONError) -> Unicode.Scalar {
    let first = try hexUnit(of: start)
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, current == UInt8(ascii: "\\"),
      byte(at: offset + 1) == UInt8(ascii: "u")
    else {
      throw error(
        current == nil ? .unexpectedEnd : .loneSurrogate, at: current == nil ? offset : start)
    }
    offset += 2
    let second = try hexUnit(of: start)
    guard second & 0xFC00 == 0xDC00 else { throw error(.loneSurrogate, at: start) }
    let value = 0x10000 + (UInt32(first & 0x3FF) << 10 | UInt32(second & 0x3FF))
    guard let scalar = Unicode.Scalar(value) else { throw error(.loneSurrogate, at: start) }
    return scalar
  }

  private mutating func hexUnit(of start: Int) throws(JSONError) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = current else { throw error(.unexpectedEnd, at: offset) }
      guard let digit = Self.hexDigit(byte) else { throw error(.invalidEscape, at: start) }
      value = value << 4 | UInt16(digit)
      offset += 1
    }
    return value
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// Where UTF-8 breaks in a range that is known to be broken: the longest valid beginning ends
  /// there. A scalar has at most four bytes, so one step looks no further.
  private func firstInvalid(_ range: Range<Int>) -> Int {
    var place = range.lowerBound
    while place < range.upperBound {
      let lengths = 1...min(4, range.upperBound - place)
      guard let length = lengths.first(where: { string(place..<(place + $0)) != nil }) else {
        break
      }
      place += length
    }
    return place
  }
}
