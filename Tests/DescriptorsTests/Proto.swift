import Descriptors

/// Packed descriptors of small made-up protos of the package `t`.
enum Proto {
  static func file(_ name: String, messages: [[UInt8]]) -> [UInt8] {
    var writer = WireWriter()
    writer.field(1, name)
    writer.field(2, "t")
    for message in messages { writer.field(4, bytes: message) }
    writer.field(12, "proto3")
    return writer.bytes
  }

  /// A message with one field, of that type or an int32.
  static func message(_ name: String, of type: String?, inside: [UInt8]? = nil) -> [UInt8] {
    var field = WireWriter()
    field.field(1, "f")
    field.field(3, varint: 1)
    field.field(4, varint: 1)
    let kind: FieldSchema.Kind = type == nil ? .int32 : .message
    field.field(5, varint: kind.rawValue)
    if let type { field.field(6, type) }
    var message = WireWriter()
    message.field(1, name)
    message.field(2, bytes: field.bytes)
    if let inside { message.field(3, bytes: inside) }
    return message.bytes
  }
}
