/// A request's header fields in their order, duplicates kept; names match in any case.
///
/// A value is decoded when it is asked for; one that is not UTF-8 gets replacement characters.
package struct HTTPRequestHeaders: Sequence, Sendable {
  package typealias Element = (name: String, value: String)

  let bytes: [UInt8]
  let start: Int

  /// The first value under this name.
  package subscript(_ name: String) -> String? {
    var fields = RawFields(bytes, from: start)
    while let field = fields.next() {
      if matches(field.name, name) { return text(field.value) }
    }
    return nil
  }

  /// All values under this name, in their order.
  package func values(_ name: String) -> [String] {
    var fields = RawFields(bytes, from: start)
    var values: [String] = []
    while let field = fields.next() {
      if matches(field.name, name) { values.append(text(field.value)) }
    }
    return values
  }

  /// The bytes of the first value under this name: for comparing keys without making a text.
  package func bytes(_ name: String) -> ArraySlice<UInt8>? {
    var fields = RawFields(bytes, from: start)
    while let field = fields.next() {
      if matches(field.name, name) { return bytes[field.value] }
    }
    return nil
  }

  /// Whether any name begins so; `start` in small letters.
  package func hasName(beginningWith start: StaticString) -> Bool {
    var fields = RawFields(bytes, from: self.start)
    let count = start.utf8CodeUnitCount
    while let field = fields.next() {
      guard field.name.count >= count else { continue }
      let isAlike = (0..<count).allSatisfy { place in
        unsafe bytes[field.name.lowerBound + place].asciiLowercased == start.utf8Start[place]
      }
      if isAlike { return true }
    }
    return false
  }

  package func makeIterator() -> Iterator { Iterator(headers: self) }

  package struct Iterator: IteratorProtocol {
    private let headers: HTTPRequestHeaders
    private var fields: RawFields

    init(headers: HTTPRequestHeaders) {
      self.headers = headers
      fields = RawFields(headers.bytes, from: headers.start)
    }

    package mutating func next() -> Element? {
      fields.next().map { (headers.text($0.name), headers.text($0.value)) }
    }
  }

  private func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
  }

  private func matches(_ range: Range<Int>, _ name: String) -> Bool {
    guard range.count == name.utf8.count else { return false }
    var index = range.lowerBound
    for wanted in name.utf8 {
      guard bytes[index].asciiLowercased == wanted.asciiLowercased else { return false }
      index += 1
    }
    return true
  }
}

/// Walks over checked fields: name, NUL, value, NUL, NUL.
struct RawFields {
  private let bytes: [UInt8]
  private var index: Int

  init(_ bytes: [UInt8], from start: Int) {
    self.bytes = bytes
    index = start
  }

  mutating func next() -> (name: Range<Int>, value: Range<Int>)? {
    guard index < bytes.count else { return nil }
    let name = index..<end(from: index)
    var value = (name.upperBound + 1)..<end(from: name.upperBound + 1)
    index = value.upperBound + 2
    while !value.isEmpty, bytes[value.lowerBound].isBlank {
      value = (value.lowerBound + 1)..<value.upperBound
    }
    while !value.isEmpty, bytes[value.upperBound - 1].isBlank {
      value = value.lowerBound..<(value.upperBound - 1)
    }
    return (name, value)
  }

  private func end(from start: Int) -> Int {
    var end = start
    while end < bytes.count, bytes[end] != 0 { end += 1 }
    return end
  }
}

extension UInt8 {
  /// ASCII capitals become small, everything else stays.
  var asciiLowercased: UInt8 { self >= 65 && self <= 90 ? self | 0x20 : self }
  /// What may stand around a field's value.
  var isBlank: Bool { self == 32 || self == 9 }

  /// What a field's name or a method is made of.
  var isToken: Bool {
    switch self {
    case 48...57, 65...90, 97...122: true
    case 33, 35, 36, 37, 38, 39, 42, 43, 45, 46, 94, 95, 96, 124, 126: true
    default: false
    }
  }

  /// What a field's value is made of.
  var isFieldContent: Bool { self >= 32 && self != 127 || self == 9 }
}
