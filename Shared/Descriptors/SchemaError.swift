/// Why bytes are no message, or a set of files no set of descriptors.
package struct SchemaError: Error, Equatable, Sendable {
  package enum Code: Sendable {
    case malformed, tooDeep, tooLarge, invalidUTF8, unknownType, duplicateName
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

extension SchemaError: CustomStringConvertible {
  package var description: String { message }
}

/// Bounds on descriptor sets and on messages read through them.
package enum SchemaLimits {
  /// Message types inside message types, messages inside messages, groups inside groups.
  package static let depthMax = 64
  /// A whole descriptor set; protoc's own request included.
  package static let setBytesMax = 16 << 20
  /// One message that is mapped to JSON.
  package static let messageBytesMax = 64 << 20
  /// Files in one set.
  package static let filesMax = 2_048
  /// Message, enum and service types in one set.
  package static let typesMax = 65_536
}
