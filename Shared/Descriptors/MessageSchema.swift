/// One message type with the types inside it.
package struct MessageSchema: Equatable, Sendable {
  package let name: String
  /// With package and enclosing types, without a leading dot.
  package let fullName: String
  /// In the order of the file.
  package let fields: [FieldSchema]
  /// Names of all oneofs, the synthetic ones of `optional` included.
  package let oneofs: [String]
  package let messages: [MessageSchema]
  package let enums: [EnumSchema]
  /// A type made by protoc for a map field.
  package let isMapEntry: Bool

  package func field(number: Int32) -> FieldSchema? { fields.first { $0.number == number } }
}

extension MessageSchema {
  init(reading bytes: ArraySlice<UInt8>, in scope: String, depth: Int) throws(SchemaError) {
    guard depth <= SchemaLimits.depthMax else {
      throw SchemaError(.tooDeep, "message types nested too deep")
    }
    var name = ""
    var fields: [FieldSchema] = []
    var oneofs: [String] = []
    var inner: [ArraySlice<UInt8>] = []
    var innerEnums: [ArraySlice<UInt8>] = []
    var options = OptionFields()
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let value)): name = try text(value)
      case (2, .bytes(let value)): fields.append(try FieldSchema(reading: value))
      case (3, .bytes(let value)): inner.append(value)
      case (4, .bytes(let value)): innerEnums.append(value)
      case (7, .bytes(let value)): try options.add(value)
      case (8, .bytes(let value)): oneofs.append(try firstText(value))
      default: break
      }
    }
    let fullName = scope.isEmpty ? name : "\(scope).\(name)"
    var messages: [MessageSchema] = []
    for value in inner {
      messages.append(try MessageSchema(reading: value, in: fullName, depth: depth + 1))
    }
    var enums: [EnumSchema] = []
    for value in innerEnums { enums.append(try EnumSchema(reading: value, in: fullName)) }
    for field in fields {
      if let index = field.oneofIndex, !oneofs.indices.contains(index) {
        throw SchemaError(.malformed, "field \(fullName).\(field.name) is of no oneof there")
      }
    }
    self.init(
      name: name, fullName: fullName, fields: fields, oneofs: oneofs, messages: messages,
      enums: enums, isMapEntry: options.varint(7) == 1)
  }
}

/// One enum type.
package struct EnumSchema: Equatable, Sendable {
  package struct Value: Equatable, Sendable {
    package let name: String
    package let number: Int32
  }

  package let name: String
  package let fullName: String
  /// In the order of the file; two of one number are aliases.
  package let values: [Value]
}

extension EnumSchema {
  init(reading bytes: ArraySlice<UInt8>, in scope: String) throws(SchemaError) {
    var name = ""
    var values: [Value] = []
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let value)): name = try text(value)
      case (2, .bytes(let value)): values.append(try Value(reading: value))
      default: break
      }
    }
    guard !values.isEmpty else { throw SchemaError(.malformed, "enum \(name) has no value") }
    self.init(name: name, fullName: scope.isEmpty ? name : "\(scope).\(name)", values: values)
  }
}

extension EnumSchema.Value {
  init(reading bytes: ArraySlice<UInt8>) throws(SchemaError) {
    var name = ""
    var number: Int32 = 0
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let value)): name = try text(value)
      case (2, .varint(let value)): number = Int32(truncatingIfNeeded: value)
      default: break
      }
    }
    self.init(name: name, number: number)
  }
}

/// Field 1 of a message as text: the name of a oneof.
private func firstText(_ bytes: ArraySlice<UInt8>) throws(SchemaError) -> String {
  var reader = WireReader(bytes)
  while let field = try reader.next() {
    if field.number == 1, case .bytes(let value) = field.value { return try text(value) }
  }
  return ""
}
