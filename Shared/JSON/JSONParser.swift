/// Reads one document from borrowed bytes, with its own stack instead of recursion.
///
/// Lives no longer than the call that lends the bytes. Every read is checked against `count`.
@safe
struct JSONParser {
  private let bytes: UnsafeRawBufferPointer
  let limits: JSONLimits
  let count: Int
  var offset = 0
  private var valueCount = 0
  private var stack: [Container] = []

  init(_ bytes: UnsafeRawBufferPointer, limits: JSONLimits) {
    unsafe self.bytes = bytes
    self.limits = limits
    count = bytes.count
  }

  /// An array or object that has begun and not yet ended.
  private struct Container {
    let isObject: Bool
    var elements: [JSONValue] = []
    var members = JSONObject()
    /// The key whose value is being read.
    var key = ""
  }

  // MARK: - Bytes

  /// The byte at the current place; nil at the end.
  var current: UInt8? { byte(at: offset) }

  func byte(at position: Int) -> UInt8? {
    guard position < count else { return nil }
    return unsafe bytes[position]
  }

  /// The bytes of a checked range as text; nil when they are not UTF-8.
  func string(_ range: Range<Int>) -> String? {
    unsafe String(validating: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
  }

  mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      offset += 1
    }
  }

  // MARK: - The document

  mutating func document() throws(JSONError) -> JSONValue {
    guard count <= limits.bytesMax else {
      throw error(.tooManyBytes(limit: limits.bytesMax), at: limits.bytesMax)
    }
    while true {
      skipSpace()
      guard let value = try leafOrOpening() else { continue }
      guard let whole = try attach(value) else { continue }
      skipSpace()
      guard offset == count else { throw error(.trailingBytes, at: offset) }
      return whole
    }
  }

  /// Reads a value that is complete at once; nil when a container was opened instead.
  private mutating func leafOrOpening() throws(JSONError) -> JSONValue? {
    valueCount += 1
    guard valueCount <= limits.valuesMax else {
      throw error(.tooManyValues(limit: limits.valuesMax), at: offset)
    }
    guard let byte = current else { throw error(.unexpectedEnd, at: offset) }
    switch byte {
    case UInt8(ascii: "{"): return try open(isObject: true)
    case UInt8(ascii: "["): return try open(isObject: false)
    case UInt8(ascii: "\""): return .string(try stringValue())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return .number(try numberValue())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: throw error(.unexpectedByte, at: offset)
    }
  }

  private mutating func word(
    _ word: StaticString, _ value: JSONValue
  ) throws(JSONError) -> JSONValue {
    for index in 0..<word.utf8CodeUnitCount {
      guard let byte = current else { throw error(.unexpectedEnd, at: offset) }
      guard unsafe byte == word.utf8Start[index] else { throw error(.unexpectedByte, at: offset) }
      offset += 1
    }
    return value
  }

  private mutating func open(isObject: Bool) throws(JSONError) -> JSONValue? {
    guard stack.count < limits.depthMax else {
      throw error(.tooDeep(limit: limits.depthMax), at: offset)
    }
    offset += 1
    skipSpace()
    if current == UInt8(ascii: isObject ? "}" : "]") {
      offset += 1
      return isObject ? .object(JSONObject()) : .array([])
    }
    stack.append(Container(isObject: isObject))
    if isObject { try readKey() }
    return nil
  }

  private mutating func readKey() throws(JSONError) {
    skipSpace()
    let start = offset
    guard let byte = current else { throw error(.unexpectedEnd, at: offset) }
    guard byte == UInt8(ascii: "\"") else { throw error(.unexpectedByte, at: offset) }
    let key = try stringValue()
    skipSpace()
    guard let colon = current else { throw error(.unexpectedEnd, at: offset) }
    guard colon == UInt8(ascii: ":") else { throw error(.unexpectedByte, at: offset) }
    offset += 1
    let top = stack.count - 1
    // A duplicate is refused before its value is read, so that the error points at the key.
    guard !stack[top].members.contains(key) else { throw error(.duplicateKey, at: start) }
    stack[top].key = key
  }

  /// Puts a finished value where it belongs and closes what ends behind it; nil when another
  /// value must follow.
  private mutating func attach(_ finished: JSONValue) throws(JSONError) -> JSONValue? {
    var value = finished
    while !stack.isEmpty {
      let top = stack.count - 1
      let isObject = stack[top].isObject
      if isObject {
        stack[top].members.append(value, forNew: stack[top].key)
      } else {
        stack[top].elements.append(value)
      }
      skipSpace()
      switch current {
      case UInt8(ascii: ","):
        offset += 1
        if isObject { try readKey() }
        return nil
      case UInt8(ascii: isObject ? "}" : "]"):
        offset += 1
        let closed = stack.removeLast()
        value = isObject ? .object(closed.members) : .array(closed.elements)
      case nil: throw error(.unexpectedEnd, at: offset)
      default: throw error(.unexpectedByte, at: offset)
      }
    }
    return value
  }

  // MARK: - Errors

  /// Finds line and column only now, so that reading does not count them.
  func error(_ code: JSONError.Code, at place: Int) -> JSONError {
    var line = 1
    var column = 1
    var position = 0
    while position < place, let byte = byte(at: position) {
      if byte == 0x0A {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
      position += 1
    }
    return JSONError(code: code, offset: place, line: line, column: column)
  }
}
