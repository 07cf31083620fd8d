import Descriptors

/// A CodeGeneratorRequest of made-up files, as protoc would write it.
struct PluginRequest {
  var parameter = "mode=swift,module=M,wire=CM,stubs=full,at.t.proto=M"
  var files: [ProtoFile] = [ProtoFile(name: "t.proto")]

  func packed() -> [UInt8] {
    var writer = WireWriter()
    if let last = files.last { writer.field(1, last.name) }
    writer.field(2, parameter)
    for file in files { writer.field(15, bytes: file.packed()) }
    return writer.bytes
  }
}

/// A FileDescriptorProto of the package `t`.
struct ProtoFile {
  var name: String
  var package = "t"
  var syntax = "proto3"
  var swiftPrefix = ""
  var imports: [String] = []
  var publicImports: [UInt64] = []
  var messages: [ProtoMessage] = []
  var enums: [[UInt8]] = []
  /// One method from the first message to the last, with these raw options.
  var methodOptions: [UInt8]?

  func packed() -> [UInt8] {
    var writer = WireWriter()
    writer.field(1, name)
    writer.field(2, package)
    for file in imports { writer.field(3, file) }
    for message in messages { writer.field(4, bytes: message.packed()) }
    for value in enums { writer.field(5, bytes: value) }
    if let methodOptions { writer.field(6, bytes: service(methodOptions)) }
    if !swiftPrefix.isEmpty {
      var options = WireWriter()
      options.field(39, swiftPrefix)
      writer.field(8, bytes: options.bytes)
    }
    for index in publicImports { writer.field(10, varint: index) }
    writer.field(12, syntax)
    return writer.bytes
  }

  private func service(_ options: [UInt8]) -> [UInt8] {
    var method = WireWriter()
    method.field(1, "Do")
    method.field(2, ".\(package).\(messages.first?.name ?? "")")
    method.field(3, ".\(package).\(messages.last?.name ?? "")")
    method.field(4, bytes: options)
    var service = WireWriter()
    service.field(1, "S")
    service.field(2, bytes: method.bytes)
    return service.bytes
  }

  /// An enum with these values.
  static func packedEnum(_ name: String, _ values: KeyValuePairs<String, Int32>) -> [UInt8] {
    var writer = WireWriter()
    writer.field(1, name)
    for (name, number) in values {
      var value = WireWriter()
      value.field(1, name)
      value.field(2, varint: UInt64(bitPattern: Int64(number)))
      writer.field(2, bytes: value.bytes)
    }
    return writer.bytes
  }
}

/// A DescriptorProto.
struct ProtoMessage {
  var name: String
  var fields: [ProtoField] = []
  var oneofs: [String] = []
  var inner: [ProtoMessage] = []

  func packed() -> [UInt8] {
    var writer = WireWriter()
    writer.field(1, name)
    for (index, field) in fields.enumerated() {
      writer.field(2, bytes: field.packed(number: Int32(index + 1)))
    }
    for message in inner { writer.field(3, bytes: message.packed()) }
    for oneof in oneofs {
      var declaration = WireWriter()
      declaration.field(1, oneof)
      writer.field(8, bytes: declaration.bytes)
    }
    return writer.bytes
  }
}

/// A FieldDescriptorProto; its number is its place.
struct ProtoField {
  var name: String
  var kind: FieldSchema.Kind = .int32
  var type: String?
  var oneof: UInt64?
  var isOptional = false

  func packed(number: Int32) -> [UInt8] {
    var writer = WireWriter()
    writer.field(1, name)
    writer.field(3, varint: UInt64(number))
    writer.field(4, varint: 1)
    writer.field(5, varint: kind.rawValue)
    if let type { writer.field(6, type) }
    if let oneof { writer.field(9, varint: oneof) }
    if isOptional { writer.field(17, varint: 1) }
    return writer.bytes
  }
}

/// A CodeGeneratorResponse.
struct PluginResponse {
  private(set) var error: String?
  private(set) var features: UInt64 = 0
  private(set) var files: [String: String] = [:]

  init(_ bytes: [UInt8]) throws {
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let value)): error = String(decoding: value, as: UTF8.self)
      case (2, .varint(let value)): features = value
      case (15, .bytes(let value)):
        var texts: [Int32: String] = [:]
        var inner = WireReader(value)
        while let part = try inner.next() {
          if case .bytes(let text) = part.value {
            texts[part.number] = String(decoding: text, as: UTF8.self)
          }
        }
        files[texts[1] ?? ""] = texts[15] ?? ""
      default: break
      }
    }
  }
}
