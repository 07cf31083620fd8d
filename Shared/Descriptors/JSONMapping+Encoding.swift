import Faults
import JSON

// From JSON to bytes.
extension JSONMapping {
  func encode(
    _ json: JSONValue, as message: MessageSchema, at path: JSONPath
  ) throws(MappingError) -> [UInt8] {
    let path = try path.entered()
    if let special = SpecialType(rawValue: message.fullName) {
      return try encode(json, as: special, at: path)
    }
    guard let object = json.objectValue else {
      throw MappingError(.wrongKind(expected: "object"), at: path.text, "expected an object")
    }
    return try encode(object, as: message, ignoring: nil, at: path)
  }

  /// `ignored` is the one member that is not a field: the `@type` of an Any.
  func encode(
    _ object: JSONObject, as message: MessageSchema, ignoring ignored: String?, at path: JSONPath
  ) throws(MappingError) -> [UInt8] {
    var writer = WireWriter()
    var names = FieldNames(message)
    for (name, value) in object where name != ignored {
      let field = try names.take(name, at: path)
      if value.isNull { continue }
      try names.claimOneof(of: field, at: path)
      try encode(value, field, of: message, at: path.member(name), to: &writer)
    }
    return writer.bytes
  }

  private func encode(
    _ value: JSONValue, _ field: FieldSchema, of message: MessageSchema, at path: JSONPath,
    to writer: inout WireWriter
  ) throws(MappingError) {
    guard field.isRepeated else {
      try encode(value, one: field, at: path, to: &writer)
      return
    }
    if let entry = schema.message(field.typeName), entry.isMapEntry {
      try encodeMap(value, field, entry: entry, at: path, to: &writer)
      return
    }
    guard let elements = value.arrayValue else {
      throw MappingError(.wrongKind(expected: "array"), at: path.text, "expected an array")
    }
    let isPacked = field.kind.isPackable && field.packedOption ?? true
    var packed = WireWriter()
    for (index, element) in elements.enumerated() {
      if isPacked {
        try encodeScalar(element, field, at: path.element(index), to: &packed)
      } else {
        try encode(element, one: field, at: path.element(index), to: &writer)
      }
    }
    if isPacked, !elements.isEmpty { writer.field(field.number, bytes: packed.bytes) }
  }

  private func encodeMap(
    _ value: JSONValue, _ field: FieldSchema, entry: MessageSchema, at path: JSONPath,
    to writer: inout WireWriter
  ) throws(MappingError) {
    guard let object = value.objectValue else {
      throw MappingError(.wrongKind(expected: "object"), at: path.text, "expected an object")
    }
    guard let keyField = entry.field(number: 1), let valueField = entry.field(number: 2) else {
      throw MappingError(.malformed, at: path.text, "its map type has no key or value")
    }
    for (key, item) in object {
      var inner = WireWriter()
      let place = path.key(key)
      try encode(try mapKey(key, keyField, at: place), one: keyField, at: place, to: &inner)
      try encode(item, one: valueField, at: place, to: &inner)
      writer.field(field.number, bytes: inner.bytes)
    }
  }

  /// A map's key as the JSON value that it would be outside of a map.
  private func mapKey(
    _ key: String, _ field: FieldSchema, at path: JSONPath
  ) throws(MappingError) -> JSONValue {
    guard field.kind == .bool else { return .string(key) }
    guard key == "true" || key == "false" else {
      throw MappingError(.wrongKind(expected: "bool"), at: path.text, "expected true or false")
    }
    return .bool(key == "true")
  }

  /// A field with its key.
  private func encode(
    _ value: JSONValue, one field: FieldSchema, at path: JSONPath, to writer: inout WireWriter
  ) throws(MappingError) {
    switch field.kind {
    case .string:
      guard let text = value.stringValue else { throw wrongKind("a string", at: path) }
      writer.field(field.number, text)
    case .bytes:
      guard let text = value.stringValue else { throw wrongKind("base64 text", at: path) }
      guard let bytes = Base64.bytes(text) else {
        throw MappingError(.invalidBase64, at: path.text, "not base64")
      }
      writer.field(field.number, bytes: bytes)
    case .message:
      let message = try type(field.typeName, at: path)
      writer.field(field.number, bytes: try encode(value, as: message, at: path))
    case .group:
      throw MappingError(.wrongKind(expected: "no group"), at: path.text, "groups are not mapped")
    case .double, .fixed64, .sfixed64:
      writer.key(field.number, .fixed64)
      try encodeScalar(value, field, at: path, to: &writer)
    case .float, .fixed32, .sfixed32:
      writer.key(field.number, .fixed32)
      try encodeScalar(value, field, at: path, to: &writer)
    default:
      writer.key(field.number, .varint)
      try encodeScalar(value, field, at: path, to: &writer)
    }
  }

  /// The bytes of a number, bool or enum without a key.
  private func encodeScalar(
    _ value: JSONValue, _ field: FieldSchema, at path: JSONPath, to writer: inout WireWriter
  ) throws(MappingError) {
    switch field.kind {
    case .double: writer.fixed64(try double(value, at: path).bitPattern)
    case .float: writer.fixed32(try float(value, at: path).bitPattern)
    case .int32: writer.varint(UInt64(bitPattern: Int64(try signed(value, at: path) as Int32)))
    case .int64: writer.varint(UInt64(bitPattern: try signed(value, at: path)))
    case .uint32: writer.varint(UInt64(try unsigned(value, at: path) as UInt32))
    case .uint64: writer.varint(try unsigned(value, at: path))
    case .sint32:
      let number: Int32 = try signed(value, at: path)
      writer.varint(UInt64(UInt32(bitPattern: number << 1 ^ number >> 31)))
    case .sint64:
      let number: Int64 = try signed(value, at: path)
      writer.varint(UInt64(bitPattern: number << 1 ^ number >> 63))
    case .fixed32: writer.fixed32(try unsigned(value, at: path))
    case .fixed64: writer.fixed64(try unsigned(value, at: path))
    case .sfixed32: writer.fixed32(UInt32(bitPattern: try signed(value, at: path)))
    case .sfixed64: writer.fixed64(UInt64(bitPattern: try signed(value, at: path)))
    case .bool:
      guard let flag = value.boolValue else { throw wrongKind("true or false", at: path) }
      writer.varint(flag ? 1 : 0)
    case .enum:
      writer.varint(UInt64(bitPattern: Int64(try enumNumber(value, field, at: path))))
    case .string, .bytes, .message, .group:
      throw wrongKind("a number", at: path)
    }
  }

  func wrongKind(_ expected: String, at path: JSONPath) -> MappingError {
    MappingError(.wrongKind(expected: expected), at: path.text, "expected \(expected)")
  }
}

/// The fields of a message as JSON names them, each taken once.
private struct FieldNames {
  private let message: MessageSchema
  private var taken: Set<Int32> = []
  private var oneofs: [Int: String] = [:]

  init(_ message: MessageSchema) {
    self.message = message
  }

  mutating func take(_ name: String, at path: JSONPath) throws(MappingError) -> FieldSchema {
    guard let field = message.fields.first(where: { $0.jsonName == name || $0.name == name })
    else {
      let names = message.fields.map(\.jsonName)
      let suggestion = Spelling.suggestion(for: name, among: names)
      throw MappingError(
        .unknownField(nearest: Spelling.nearest(to: name, among: names)),
        at: path.member(name).text, "\(message.fullName) has no such field\(suggestion)")
    }
    guard taken.insert(field.number).inserted else {
      throw MappingError(.duplicateField, at: path.member(name).text, "the field is given twice")
    }
    return field
  }

  mutating func claimOneof(of field: FieldSchema, at path: JSONPath) throws(MappingError) {
    guard let oneof = field.oneofIndex else { return }
    if let other = oneofs.updateValue(field.jsonName, forKey: oneof) {
      throw MappingError(
        .oneofConflict, at: path.member(field.jsonName).text, "only one of it and \(other) may be")
    }
  }
}
