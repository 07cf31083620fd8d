import JSON

extension JSONChecker {
  mutating func word(_ word: StaticString) throws(JSONError) {
    for index in 0..<word.utf8CodeUnitCount {
      guard unsafe bytes[offset] == word.utf8Start[index] else { throw unexpected() }
      offset += 1
    }
  }

  // MARK: - Numbers

  mutating func number() throws(JSONError) {
    let start = offset
    if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
    if bytes[offset] == UInt8(ascii: "0") {
      offset += 1
      if Self.isDigit(bytes[offset]) { throw error(.invalidNumber, at: start) }
    } else {
      try digits(of: start)
    }
    if bytes[offset] == UInt8(ascii: ".") {
      offset += 1
      try digits(of: start)
    }
    if bytes[offset] | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") { offset += 1 }
      try digits(of: start)
    }
    guard offset - start <= limits.numberBytesMax else {
      throw error(.numberTooLong(limit: limits.numberBytesMax), at: start)
    }
  }

  /// One digit or more.
  private mutating func digits(of start: Int) throws(JSONError) {
    let first = offset
    while Self.isDigit(bytes[offset]) { offset += 1 }
    if offset > first { return }
    let isAtEnd = offset >= bytes.count
    throw error(isAtEnd ? .unexpectedEnd : .invalidNumber, at: isAtEnd ? offset : start)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte &- UInt8(ascii: "0") < 10
  }

  // MARK: - Strings

  /// Reads from the opening quote to behind the closing one.
  mutating func string() throws(JSONError) -> JSONNode.Spelling {
    offset += 1
    var spelling: JSONNode.Spelling = []
    while true {
      offset = bytes.plainEnd(from: offset)
      let byte = bytes[offset]
      if byte == UInt8(ascii: "\"") {
        offset += 1
        return spelling
      }
      if byte >= 0x80 {
        try beyondASCII()
      } else if byte == UInt8(ascii: "\\") {
        spelling.insert(.escaped)
        if try escape() { spelling.insert(.respellable) }
      } else if offset < bytes.count {
        throw error(.controlCharacterInString, at: offset)
      } else {
        throw error(.unexpectedEnd, at: offset)
      }
    }
  }

  /// Moves over scalars of two bytes and more (Unicode's table 3-7).
  private mutating func beyondASCII() throws(JSONError) {
    while true {
      let first = bytes[offset]
      guard first >= 0x80 else { return }
      let second = bytes[offset + 1]
      switch first {
      case 0xC2...0xDF:
        guard Self.continues(second) else { throw invalidUTF8() }
        offset += 2
      case 0xE0...0xEF:
        guard Self.continues(second), Self.continues(bytes[offset + 2]),
          first != 0xE0 || second >= 0xA0, first != 0xED || second < 0xA0
        else { throw invalidUTF8() }
        offset += 3
      case 0xF0...0xF4:
        guard Self.continues(second), Self.continues(bytes[offset + 2]),
          Self.continues(bytes[offset + 3]), first != 0xF0 || second >= 0x90,
          first != 0xF4 || second < 0x90
        else { throw invalidUTF8() }
        offset += 4
      default: throw invalidUTF8()
      }
    }
  }

  private static func continues(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

  /// The other reader checks UTF-8 a run at a time, so what ends the run badly comes first.
  private func invalidUTF8() -> JSONError {
    var place = offset
    while place < bytes.count {
      let byte = bytes[place]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        return error(.invalidUTF8, at: offset)
      }
      if byte < 0x20 { return error(.controlCharacterInString, at: place) }
      place += 1
    }
    return error(.unexpectedEnd, at: place)
  }

  /// Moves over one escape; whether it could be spelt more simply.
  private mutating func escape() throws(JSONError) -> Bool {
    let start = offset
    guard offset + 1 < bytes.count else { throw error(.unexpectedEnd, at: offset + 1) }
    let byte = bytes[offset + 1]
    offset += 2
    switch byte {
    case UInt8(ascii: "n"), UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "t"),
      UInt8(ascii: "r"), UInt8(ascii: "b"), UInt8(ascii: "f"):
      return false
    case UInt8(ascii: "/"): return true
    case UInt8(ascii: "u"):
      try unicodeEscape(from: start)
      return true
    default: throw error(.invalidEscape, at: start)
    }
  }

  private mutating func unicodeEscape(from start: Int) throws(JSONError) {
    let first = try hexUnit(of: start)
    guard first & 0xF800 == 0xD800 else { return }
    let isAtEnd = offset >= bytes.count
    guard first < 0xDC00, bytes[offset] == UInt8(ascii: "\\"),
      bytes[offset + 1] == UInt8(ascii: "u")
    else {
      throw error(isAtEnd ? .unexpectedEnd : .loneSurrogate, at: isAtEnd ? offset : start)
    }
    offset += 2
    let second = try hexUnit(of: start)
    guard second & 0xFC00 == 0xDC00 else { throw error(.loneSurrogate, at: start) }
  }

  private mutating func hexUnit(of start: Int) throws(JSONError) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard offset < bytes.count else { throw error(.unexpectedEnd, at: offset) }
      guard let digit = JSONEscape.hexDigit(bytes[offset]) else {
        throw error(.invalidEscape, at: start)
      }
      value = value << 4 | UInt16(digit)
      offset += 1
    }
    return value
  }
}
