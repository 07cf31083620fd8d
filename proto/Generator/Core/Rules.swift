import Descriptors

/// What our protos must not have, because our messages could not carry it safely.
enum Rules {
  static func check(_ file: FileSchema, in schema: SchemaSet) throws {
    guard file.syntax == "proto3" else { throw GenerationError("\(file.name) is not proto3") }
    try check(file.messages, in: schema)
  }

  private static func check(_ messages: [MessageSchema], in schema: SchemaSet) throws {
    for message in messages {
      // protoc-c's unpacking recurses without a bound, and a Swift struct cannot hold itself.
      if let cycle = schema.cycle(from: message.fullName) {
        throw GenerationError("recursive messages are refused: \(cycle.joined(separator: " → "))")
      }
      for field in message.fields where field.kind == .group {
        throw GenerationError("groups are refused: \(message.fullName).\(field.name)")
      }
      try check(message.messages, in: schema)
    }
  }
}
