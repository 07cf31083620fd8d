/// Writes JSON straight into bytes, without a tree in between.
///
/// The caller keeps begin and end in pairs and puts a key before each member's value; commas,
/// colons, escapes and indentation are this writer's work. Output is always valid UTF-8.
package struct JSONWriter: Sendable {
  /// What was written so far.
  package private(set) var bytes: [UInt8]
  private let pretty: Bool
  private var depth = 0
  /// Whether something stands before this place in the current container.
  private var followsValue = false
  private var followsKey = false

  /// Continues behind `bytes`: hand in an emptied buffer to use its memory again.
  package init(appendingTo bytes: consuming [UInt8] = [], pretty: Bool = false) {
    self.bytes = bytes
    self.pretty = pretty
  }

  /// A place to come back to.
  package struct Mark: Sendable {
    fileprivate let count: Int
    fileprivate let depth: Int
    fileprivate let followsValue: Bool
    fileprivate let followsKey: Bool
  }

  package var mark: Mark {
    Mark(count: bytes.count, depth: depth, followsValue: followsValue, followsKey: followsKey)
  }

  /// Takes back everything that was written since `mark` was taken from this writer.
  package mutating func undo(to mark: Mark) {
    bytes.removeSubrange(min(mark.count, bytes.count)...)
    depth = mark.depth
    followsValue = mark.followsValue
    followsKey = mark.followsKey
  }

  /// Appends bytes as they are, outside of any value: the newline behind a line of JSON.
  package mutating func raw(_ byte: UInt8) {
    bytes.append(byte)
    followsValue = false
  }

  // MARK: - Containers

  package mutating func beginObject() { begin(UInt8(ascii: "{")) }
  package mutating func endObject() { end(UInt8(ascii: "}")) }
  package mutating func beginArray() { begin(UInt8(ascii: "[")) }
  package mutating func endArray() { end(UInt8(ascii: "]")) }

  /// The name of the member whose value comes next.
  package mutating func key(_ name: String) {
    separate()
    quoted(name)
    bytes.append(UInt8(ascii: ":"))
    if pretty { bytes.append(0x20) }
    followsKey = true
  }

  private mutating func begin(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    depth += 1
    followsValue = false
  }

  private mutating func end(_ bracket: UInt8) {
    depth -= 1
    if followsValue { breakLine() }
    bytes.append(bracket)
    followsValue = true
  }

  private mutating func separate() {
    if followsKey {
      followsKey = false
    } else {
      if followsValue { bytes.append(UInt8(ascii: ",")) }
      if depth > 0 { breakLine() }
    }
    followsValue = true
  }

  private mutating func breakLine() {
    guard pretty else { return }
    bytes.append(0x0A)
    for _ in 0..<(2 * max(0, depth)) { bytes.append(0x20) }
  }

  // MARK: - Scalars

  package mutating func null() { plain("null") }
  package mutating func bool(_ value: Bool) { plain(value ? "true" : "false") }
  package mutating func number(_ value: JSONNumber) { plain(value.text) }

  package mutating func int(_ value: some FixedWidthInteger) {
    plain(String(value))
  }

  /// `null` when the value is not finite.
  package mutating func double(_ value: Double) {
    if value.isFinite { plain(value.description) } else { null() }
  }

  package mutating func string(_ text: String) {
    separate()
    quoted(text)
  }

  /// Appends a value's bytes as they are; the caller knows that they are one JSON value.
  package mutating func verbatim(_ value: RawSpan) {
    separate()
    unsafe value.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
  }

  private mutating func plain(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func quoted(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    let utf8 = text.utf8Span.span
    var plainStart = 0
    for index in utf8.indices {
      let byte = utf8[index]
      guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
        continue
      }
      append(utf8.extracting(plainStart..<index))
      escape(byte)
      plainStart = index + 1
    }
    append(utf8.extracting(plainStart...))
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func append(_ span: Span<UInt8>) {
    unsafe span.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
  }

  private mutating func escape(_ byte: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case 0x08: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0C: bytes.append(UInt8(ascii: "f"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case 0..<0x20:
      bytes.append(contentsOf: "u00".utf8)
      bytes.append(Self.hex(byte >> 4))
      bytes.append(Self.hex(byte & 0xF))
    default: bytes.append(byte)
    }
  }

  private static func hex(_ digit: UInt8) -> UInt8 {
    digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
  }

  // MARK: - Trees

  /// Writes a whole value; its depth is bounded by the limits it was read with.
  package mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let value): bool(value)
    case .number(let number): self.number(number)
    case .string(let text): string(text)
    case .array(let elements):
      beginArray()
      for element in elements { self.value(element) }
      endArray()
    case .object(let object):
      beginObject()
      for (key, value) in object {
        self.key(key)
        self.value(value)
      }
      endObject()
    }
  }
}
