import JSON

// From bytes to JSON.
extension JSONMapping {
  func decode(
    _ bytes: ArraySlice<UInt8>, as message: MessageSchema, at path: JSONPath
  ) throws(MappingError) -> JSONValue {
    let path = try path.entered()
    if let special = SpecialType(rawValue: message.fullName) {
      return try decode(bytes, as: special, at: path)
    }
    return .object(try decodeFields(bytes, of: message, at: path))
  }

  func decodeFields(
    _ bytes: ArraySlice<UInt8>, of message: MessageSchema, at path: JSONPath
  ) throws(MappingError) -> JSONObject {
    let values = try rawValues(bytes, of: message, at: path)
    var object = JSONObject()
    for field in message.fields {
      let place = path.member(field.jsonName)
      if let raw = values[field.number] {
        if let value = try decode(raw, field, at: place) { object[field.jsonName] = value }
      } else if includesDefaults, field.oneofIndex == nil, let value = defaultJSON(field) {
        object[field.jsonName] = value
      }
    }
    return object
  }

  /// What the bytes hold for each field that the message knows; of a oneof the last one wins.
  private func rawValues(
    _ bytes: ArraySlice<UInt8>, of message: MessageSchema, at path: JSONPath
  ) throws(MappingError) -> [Int32: [WireField.Value]] {
    let fields = Dictionary(
      message.fields.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
    var values: [Int32: [WireField.Value]] = [:]
    var oneofs: [Int: Int32] = [:]
    var reader = WireReader(bytes)
    do {
      while let raw = try reader.next() {
        guard let field = fields[raw.number] else { continue }
        if let oneof = field.oneofIndex {
          if let other = oneofs.updateValue(raw.number, forKey: oneof), other != raw.number {
            values[other] = nil
          }
        }
        values[raw.number, default: []].append(raw.value)
      }
    } catch {
      throw MappingError(.malformed, at: path.text, error.message)
    }
    return values
  }

  private func decode(
    _ raw: [WireField.Value], _ field: FieldSchema, at path: JSONPath
  ) throws(MappingError) -> JSONValue? {
    guard field.isRepeated else {
      if field.kind == .message {
        // Messages of one field merge, and joining their bytes is merging.
        var all: [UInt8] = []
        for case .bytes(let part) in raw { all += part }
        return try decode(all[...], as: try type(field.typeName, at: path), at: path)
      }
      guard let last = raw.last else { return nil }
      return try decodeOne(last, field, at: path)
    }
    if let entry = schema.message(field.typeName), entry.isMapEntry {
      return .object(try decodeMap(raw, entry: entry, at: path))
    }
    var elements: [JSONValue] = []
    for value in raw {
      if field.kind.isPackable, case .bytes(let packed) = value {
        try decodePacked(packed, field, at: path, into: &elements)
      } else if let element = try decodeOne(value, field, at: path.element(elements.count)) {
        elements.append(element)
      }
    }
    return .array(elements)
  }

  private func decodePacked(
    _ bytes: ArraySlice<UInt8>, _ field: FieldSchema, at path: JSONPath,
    into elements: inout [JSONValue]
  ) throws(MappingError) {
    var reader = WireReader(bytes)
    while !reader.isAtEnd {
      do {
        let value: WireField.Value =
          switch field.kind {
          case .double, .fixed64, .sfixed64: .fixed64(try reader.fixed(8))
          case .float, .fixed32, .sfixed32: .fixed32(UInt32(try reader.fixed(4)))
          default: .varint(try reader.varint())
          }
        elements.append(scalarJSON(value, field) ?? .null)
      } catch {
        throw MappingError(.malformed, at: path.text, error.message)
      }
    }
  }

  private func decodeMap(
    _ raw: [WireField.Value], entry: MessageSchema, at path: JSONPath
  ) throws(MappingError) -> JSONObject {
    var object = JSONObject()
    guard let keyField = entry.field(number: 1), let valueField = entry.field(number: 2) else {
      throw MappingError(.malformed, at: path.text, "its map type has no key or value")
    }
    for case .bytes(let bytes) in raw {
      let values = try rawValues(bytes, of: entry, at: path)
      let key = try decode(values[1] ?? [], keyField, at: path) ?? defaultJSON(keyField)
      let place = path.key(Self.keyText(key))
      if let value = values[2], let known = try decode(value, valueField, at: place) {
        object[Self.keyText(key)] = known
      } else {
        object[Self.keyText(key)] = try emptyJSON(valueField, at: place)
      }
    }
    return object
  }

  private static func keyText(_ key: JSONValue?) -> String {
    switch key {
    case .string(let text): text
    case .number(let number): number.text
    case .bool(let flag): flag ? "true" : "false"
    default: ""
    }
  }

  /// The value of a map entry that has none.
  private func emptyJSON(
    _ field: FieldSchema, at path: JSONPath
  ) throws(MappingError) -> JSONValue {
    guard field.kind == .message else { return defaultJSON(field) ?? .null }
    return try decode([], as: try type(field.typeName, at: path), at: path)
  }

  /// One value, or nil when its wire type is not the field's: then it counts as unknown.
  private func decodeOne(
    _ value: WireField.Value, _ field: FieldSchema, at path: JSONPath
  ) throws(MappingError) -> JSONValue? {
    guard case .bytes(let bytes) = value else { return scalarJSON(value, field) }
    switch field.kind {
    case .string:
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw MappingError(.malformed, at: path.text, "a string that is not UTF-8")
      }
      return .string(text)
    case .bytes: return .string(Base64.text(bytes))
    case .message: return try decode(bytes, as: try type(field.typeName, at: path), at: path)
    default: return nil
    }
  }

  private func scalarJSON(_ value: WireField.Value, _ field: FieldSchema) -> JSONValue? {
    switch (field.kind, value) {
    case (.double, .fixed64(let bits)): floatJSON(Double(bitPattern: bits))
    case (.float, .fixed32(let bits)): floatJSON(Float(bitPattern: bits))
    case (.int32, .varint(let bits)): .number(Int(Int32(truncatingIfNeeded: bits)))
    case (.int64, .varint(let bits)): .string(String(Int64(bitPattern: bits)))
    case (.uint32, .varint(let bits)): .number(Int(UInt32(truncatingIfNeeded: bits)))
    case (.uint64, .varint(let bits)): .string(String(bits))
    case (.sint32, .varint(let bits)):
      .number(Int(Int32(truncatingIfNeeded: Self.unzigzag(bits & 0xFFFF_FFFF))))
    case (.sint64, .varint(let bits)): .string(String(Self.unzigzag(bits)))
    case (.fixed32, .fixed32(let bits)): .number(Int(bits))
    case (.fixed64, .fixed64(let bits)): .string(String(bits))
    case (.sfixed32, .fixed32(let bits)): .number(Int(Int32(bitPattern: bits)))
    case (.sfixed64, .fixed64(let bits)): .string(String(Int64(bitPattern: bits)))
    case (.bool, .varint(let bits)): .bool(bits != 0)
    case (.enum, .varint(let bits)): enumJSON(Int32(truncatingIfNeeded: bits), field)
    default: nil
    }
  }

  private static func unzigzag(_ bits: UInt64) -> Int64 {
    Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1)
  }

  private func floatJSON(_ value: some BinaryFloatingPoint & CustomStringConvertible) -> JSONValue {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return JSONNumber(value.description).map { .number($0) } ?? .null
  }

  private func enumJSON(_ number: Int32, _ field: FieldSchema) -> JSONValue {
    let known = schema.enum(field.typeName)?.values.first { $0.number == number }
    return known.map { .string($0.name) } ?? .number(Int(number))
  }

  /// The value of a field that is absent, where it has one.
  private func defaultJSON(_ field: FieldSchema) -> JSONValue? {
    if field.isRepeated {
      return schema.message(field.typeName)?.isMapEntry == true ? .object(JSONObject()) : .array([])
    }
    return switch field.kind {
    case .string, .bytes: ""
    case .message, .group: nil
    case .bool: false
    case .int64, .uint64, .sint64, .fixed64, .sfixed64: "0"
    case .enum: enumJSON(0, field)
    default: 0
    }
  }
}
