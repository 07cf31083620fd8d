/// One field of a message type.
package struct FieldSchema: Equatable, Sendable {
  /// Type numbers are those of descriptor.proto.
  package enum Kind: UInt64, Sendable {
    case double = 1
    case float = 2
    case int64 = 3
    case uint64 = 4
    case int32 = 5
    case fixed64 = 6
    case fixed32 = 7
    case bool = 8
    case string = 9
    case group = 10
    case message = 11
    case bytes = 12
    case uint32 = 13
    case `enum` = 14
    case sfixed32 = 15
    case sfixed64 = 16
    case sint32 = 17
    case sint64 = 18

    /// Whether many values may stand in one length-prefixed field.
    package var isPackable: Bool {
      switch self {
      case .string, .bytes, .message, .group: false
      default: true
      }
    }
  }

  package let name: String
  package let jsonName: String
  package let number: Int32
  package let kind: Kind
  /// Full name of the message or enum type, without the leading dot; empty for scalars.
  package let typeName: String
  package let isRepeated: Bool
  package let isRequired: Bool
  /// Index into the message's oneofs; also set for proto3 `optional`, whose oneof is synthetic.
  package let oneofIndex: Int?
  package let isProto3Optional: Bool
  /// What `[packed = …]` says; nil when it says nothing.
  package let packedOption: Bool?
  package let isDeprecated: Bool
}

extension FieldSchema {
  init(reading bytes: ArraySlice<UInt8>) throws(SchemaError) {
    var name = ""
    var jsonName = ""
    var number: Int32 = 0
    var kind: UInt64 = 0
    var typeName = ""
    var label: UInt64 = 1
    var oneofIndex: Int?
    var isProto3Optional = false
    var options = OptionFields()
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let value)): name = try text(value)
      case (3, .varint(let value)): number = Int32(truncatingIfNeeded: value)
      case (4, .varint(let value)): label = value
      case (5, .varint(let value)): kind = value
      case (6, .bytes(let value)): typeName = try text(value)
      case (8, .bytes(let value)): try options.add(value)
      case (9, .varint(let value)): oneofIndex = Int(truncatingIfNeeded: value)
      case (10, .bytes(let value)): jsonName = try text(value)
      case (17, .varint(let value)): isProto3Optional = value != 0
      default: break
      }
    }
    guard let known = Kind(rawValue: kind) else {
      throw SchemaError(.malformed, "field \(name) has the unknown type \(kind)")
    }
    self.init(
      name: name, jsonName: jsonName.isEmpty ? JSONNames.camelCase(name) : jsonName,
      number: number, kind: known,
      typeName: typeName.hasPrefix(".") ? String(typeName.dropFirst()) : typeName,
      isRepeated: label == 3, isRequired: label == 2, oneofIndex: oneofIndex,
      isProto3Optional: isProto3Optional,
      packedOption: options.varint(2).map { $0 != 0 },
      isDeprecated: options.varint(3) == 1)
  }
}

/// The text of a string field.
func text(_ bytes: ArraySlice<UInt8>) throws(SchemaError) -> String {
  guard let text = String(validating: bytes, as: UTF8.self) else {
    throw SchemaError(.invalidUTF8, "a name is not UTF-8")
  }
  return text
}

/// Names as proto3's JSON mapping writes them.
package enum JSONNames {
  /// `request_bytes_max` as `requestBytesMax`.
  package static func camelCase(_ name: String) -> String {
    var result = ""
    var raises = false
    for character in name {
      if character == "_" {
        raises = true
      } else {
        result += raises ? character.uppercased() : String(character)
        raises = false
      }
    }
    return result
  }
}
