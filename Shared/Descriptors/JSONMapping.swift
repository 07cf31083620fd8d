package import JSON

/// Messages of types known only at run time, as proto3's JSON mapping writes them.
///
/// Field names are read in both spellings and written in lowerCamelCase; 64-bit numbers are
/// written as strings; bytes are base64; Timestamp and Duration are text; Any is its `@type` and
/// the fields of its message where the descriptors know it, its bytes in base64 where they do
/// not. Unknown fields of the bytes are left out. Wrappers, Struct and FieldMask have no form of
/// their own here: they map as plain messages.
package struct JSONMapping: Sendable {
  let schema: SchemaSet
  /// Whether fields without presence are written when they are at their default.
  let includesDefaults: Bool

  package init(_ schema: SchemaSet, includesDefaults: Bool = false) {
    self.schema = schema
    self.includesDefaults = includesDefaults
  }

  /// The packed message that `json` describes.
  package func bytes(
    of json: JSONValue, as typeName: String
  ) throws(MappingError) -> [UInt8] {
    try encode(json, as: try type(typeName, at: JSONPath()), at: JSONPath())
  }

  /// The JSON of a packed message.
  package func json(of bytes: [UInt8], as typeName: String) throws(MappingError) -> JSONValue {
    guard bytes.count <= SchemaLimits.messageBytesMax else {
      throw MappingError(.tooLarge, at: "", "a message of \(bytes.count) bytes")
    }
    return try decode(bytes[...], as: try type(typeName, at: JSONPath()), at: JSONPath())
  }

  func type(_ name: String, at path: JSONPath) throws(MappingError) -> MessageSchema {
    guard let message = schema.message(name) else {
      throw MappingError(
        .unknownType, at: path.text, "the type \(name) is not in the descriptors")
    }
    return message
  }
}

/// Types with a JSON form of their own.
enum SpecialType: String {
  case timestamp = "google.protobuf.Timestamp"
  case duration = "google.protobuf.Duration"
  case any = "google.protobuf.Any"
}
