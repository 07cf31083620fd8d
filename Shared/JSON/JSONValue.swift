// JSON: values read from bytes of unknown origin, and written in one pass. The reader accepts
// RFC 8259 and nothing besides (no comments, no trailing commas, no duplicate keys, no lone
// surrogates, no bad UTF-8), keeps the order of members and the exact text of numbers, and never
// traps or recurses on what it reads. It knows no schema and maps no Swift types: what a value
// means is decided where it is used. Limits: `JSONLimits`.

/// Any JSON value.
package enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

extension JSONValue {
  /// Reads exactly one value, surrounded by nothing but white space.
  package init(parsing bytes: RawSpan, limits: JSONLimits = JSONLimits()) throws(JSONError) {
    self = try unsafe bytes.withUnsafeBytes { (buffer) throws(JSONError) -> JSONValue in
      var parser = unsafe JSONParser(buffer, limits: limits)
      return try parser.document()
    }
  }

  /// Reads exactly one value, surrounded by nothing but white space.
  package init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
    try self.init(parsing: unsafe bytes.span.bytes, limits: limits)
  }

  /// Reads exactly one value, surrounded by nothing but white space.
  package init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
    try self.init(parsing: unsafe text.utf8Span.span.bytes, limits: limits)
  }

  /// The value as JSON, members in their order; `pretty` puts each on a line of its own.
  package func text(pretty: Bool = false) -> String {
    String(decoding: bytes(pretty: pretty), as: UTF8.self)
  }

  /// The same as UTF-8.
  package func bytes(pretty: Bool = false) -> [UInt8] {
    var writer = JSONWriter(pretty: pretty)
    writer.value(self)
    return writer.bytes
  }
}

extension JSONValue {
  package var isNull: Bool { self == .null }

  package var boolValue: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  package var numberValue: JSONNumber? {
    guard case .number(let value) = self else { return nil }
    return value
  }

  /// The number when it is whole and fits, whatever way it was written (`1e3`, `5.0`).
  package var intValue: Int? { numberValue?.int64.map(Int.init) }
  /// The number when a Double can hold its magnitude.
  package var doubleValue: Double? { numberValue?.double }

  package var stringValue: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }

  package var arrayValue: [JSONValue]? {
    guard case .array(let value) = self else { return nil }
    return value
  }

  package var objectValue: JSONObject? {
    guard case .object(let value) = self else { return nil }
    return value
  }

  /// A member of an object; nil when there is none, or when this is no object.
  package subscript(key: String) -> JSONValue? { objectValue?[key] }

  /// An element of an array; nil outside its bounds, or when this is no array.
  package subscript(index: Int) -> JSONValue? {
    guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
    return elements[index]
  }
}

extension JSONValue {
  package static func number(_ value: Int) -> JSONValue { .number(JSONNumber(Int64(value))) }

  /// `null` when the value is not finite: JSON has no other word for it.
  package static func number(_ value: Double) -> JSONValue {
    JSONNumber(value).map(JSONValue.number) ?? .null
  }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
  ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(nilLiteral: ()) { self = .null }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int64) { self = .number(JSONNumber(value)) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(stringLiteral value: String) { self = .string(value) }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
}
