/// One proto file as protoc describes it.
package struct FileSchema: Equatable, Sendable {
  /// Its path from the import root, `assay/admin/v1/admin.proto`.
  package let name: String
  package let package: String
  package let dependencies: [String]
  package let messages: [MessageSchema]
  package let enums: [EnumSchema]
  package let services: [ServiceSchema]
  package let syntax: String
  package let options: OptionFields
  /// Leading comments by path, as SourceCodeInfo has them: `[4, 0, 2, 1]` is field 1 of message 0.
  package let comments: [[Int32]: String]
  /// The `FileDescriptorProto` as it was read.
  package let bytes: [UInt8]

  /// The standard option that goes before the names of top-level types.
  package var swiftPrefix: String {
    options.bytes(39).flatMap { String(validating: $0, as: UTF8.self) } ?? ""
  }

  /// Reads a packed `google.protobuf.FileDescriptorProto`.
  package init(reading bytes: [UInt8]) throws(SchemaError) {
    guard bytes.count <= SchemaLimits.setBytesMax else {
      throw SchemaError(.tooLarge, "a file descriptor of \(bytes.count) bytes")
    }
    var parts = Parts()
    var reader = WireReader(bytes)
    while let field = try reader.next() { try parts.add(field) }
    var messages: [MessageSchema] = []
    for value in parts.messages {
      messages.append(try MessageSchema(reading: value, in: parts.package, depth: 1))
    }
    var enums: [EnumSchema] = []
    for value in parts.enums { enums.append(try EnumSchema(reading: value, in: parts.package)) }
    var services: [ServiceSchema] = []
    for value in parts.services {
      services.append(try ServiceSchema(reading: value, in: parts.package))
    }
    name = parts.name
    package = parts.package
    dependencies = parts.dependencies
    self.messages = messages
    self.enums = enums
    self.services = services
    syntax = parts.syntax
    options = parts.options
    comments = parts.comments
    self.bytes = bytes
  }
}

extension FileSchema {
  /// The fields of a file, before the package is known that its types need.
  private struct Parts {
    var name = ""
    var package = ""
    var dependencies: [String] = []
    var messages: [ArraySlice<UInt8>] = []
    var enums: [ArraySlice<UInt8>] = []
    var services: [ArraySlice<UInt8>] = []
    var syntax = "proto2"
    var options = OptionFields()
    var comments: [[Int32]: String] = [:]

    mutating func add(_ field: WireField) throws(SchemaError) {
      guard case .bytes(let value) = field.value else { return }
      switch field.number {
      case 1: name = try text(value)
      case 2: package = try text(value)
      case 3: dependencies.append(try text(value))
      case 4: messages.append(value)
      case 5: enums.append(value)
      case 6: services.append(value)
      case 8: try options.add(value)
      case 9: try addComments(value)
      case 12: syntax = try text(value)
      default: break
      }
    }

    private mutating func addComments(_ bytes: ArraySlice<UInt8>) throws(SchemaError) {
      var reader = WireReader(bytes)
      while let field = try reader.next() {
        guard field.number == 1, case .bytes(let location) = field.value else { continue }
        var path: [Int32] = []
        var comment = ""
        var inner = WireReader(location)
        while let part = try inner.next() {
          switch (part.number, part.value) {
          case (1, .bytes(let packed)):
            var numbers = WireReader(packed)
            while !numbers.isAtEnd { path.append(Int32(truncatingIfNeeded: try numbers.varint())) }
          case (3, .bytes(let value)): comment = try text(value)
          default: break
          }
        }
        if !comment.isEmpty { comments[path] = comment }
      }
    }
  }
}
