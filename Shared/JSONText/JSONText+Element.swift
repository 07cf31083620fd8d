package import JSON

extension JSONText {
  /// What a value is.
  package enum Kind: Equatable, Sendable {
    case null
    case bool
    case number
    case string
    case array
    case object
  }

  /// A value in its document: a cursor, which decodes nothing before it is asked to.
  ///
  /// Looking up a key walks the object's members, not what is inside them; it allocates nothing.
  package struct Element: Sendable {
    let storage: Storage
    let node: UInt32
    /// The container it stands in, `JSONNode.none` for the outermost value.
    let parent: UInt32

    var tape: JSONNode { storage.nodes[Int(node)] }
  }
}

extension JSONText.Element {
  package var kind: JSONText.Kind {
    switch tape.kind {
    case .null: .null
    case .no, .yes: .bool
    case .number: .number
    case .string, .key: .string
    case .array: .array
    case .object: .object
    }
  }

  package var isNull: Bool { tape.kind == .null }

  package var bool: Bool? {
    switch tape.kind {
    case .yes: true
    case .no: false
    default: nil
    }
  }

  // MARK: - Bytes

  /// Where the value stands in its document, quotes and brackets included.
  package var range: Range<Int> { tape.range }

  /// From the key to the end of the value; nil when this is no member's value.
  package var memberRange: Range<Int>? {
    key.map { $0.range.lowerBound..<range.upperBound }
  }

  /// Lends the value's bytes as they are.
  package func withBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    let bytes = storage.bytes
    return try body(unsafe bytes.span.bytes.extracting(range))
  }

  /// Lends what stands between a string's quotes, escapes as they are; nil for no string.
  package func withContent<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R? {
    guard tape.kind == .string || tape.kind == .key else { return nil }
    let bytes = storage.bytes
    return try body(unsafe bytes.span.bytes.extracting(tape.content))
  }

  /// A copy of the value's bytes.
  package var bytes: [UInt8] { Array(storage.bytes[range]) }

  // MARK: - Strings

  /// Whether a string has escapes, so that its content is not yet its text.
  package var isEscaped: Bool { tape.spelling.contains(.escaped) }

  /// The string, decoded; nil for anything else.
  package var string: String? {
    let tape = tape
    guard tape.kind == .string || tape.kind == .key else { return nil }
    guard tape.spelling.contains(.escaped) else {
      return String(decoding: storage.bytes[tape.content], as: UTF8.self)
    }
    var text: [UInt8] = []
    text.reserveCapacity(tape.content.count)
    reading { JSONEscape.decode(tape.content, in: $0, to: &text) }
    return String(decoding: text, as: UTF8.self)
  }

  /// Whether this is a string of exactly these bytes once it is decoded; it is compared in place.
  package func utf8Equals(_ text: String) -> Bool {
    guard tape.kind == .string || tape.kind == .key else { return false }
    let tape = tape
    return reading { JSONKey.equal(tape, text.utf8Span.span, in: $0) }
  }

  func reading<R>(_ body: (JSONBytes) -> R) -> R {
    unsafe storage.bytes.withUnsafeBytes { unsafe body(JSONBytes($0)) }
  }

  // MARK: - Numbers

  /// The number with the text it was written in.
  package var number: JSONNumber? {
    guard tape.kind == .number else { return nil }
    return JSONNumber(unchecked: String(decoding: storage.bytes[range], as: UTF8.self))
  }

  /// The number when it is whole and fits, whatever way it was written (`1e3`, `5.0`).
  package var int: Int? {
    guard tape.kind == .number else { return nil }
    return plainInt ?? number?.int64.map(Int.init)
  }

  /// The number when a Double can hold its magnitude.
  package var double: Double? { number?.double }

  /// Up to 18 digits and nothing else but a sign.
  private var plainInt: Int? {
    var place = range.lowerBound
    let isNegative = storage.bytes[place] == UInt8(ascii: "-")
    if isNegative { place += 1 }
    guard range.upperBound - place <= 18 else { return nil }
    var value = 0
    while place < range.upperBound {
      let digit = storage.bytes[place] &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      value = value * 10 + Int(digit)
      place += 1
    }
    return isNegative ? -value : value
  }

  // MARK: - Trees

  /// The value as a tree, for those who want to change it or to keep it without its document.
  package var value: JSONValue {
    let limits = JSONLimits(
      bytesMax: .max, depthMax: JSONLimits.depthCeiling, valuesMax: .max, numberBytesMax: .max)
    // What was checked reads.
    return withBytes { (try? JSONValue(parsing: $0, limits: limits)) ?? .null }
  }
}
