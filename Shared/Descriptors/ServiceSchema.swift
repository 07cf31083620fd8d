/// One service of a file.
package struct ServiceSchema: Equatable, Sendable {
  package let name: String
  package let fullName: String
  package let methods: [MethodSchema]
}

/// One method of a service.
package struct MethodSchema: Equatable, Sendable {
  package let name: String
  /// Full names of the message types, without a leading dot.
  package let inputName: String
  package let outputName: String
  package let isClientStreaming: Bool
  package let isServerStreaming: Bool
  package let options: OptionFields
}

extension ServiceSchema {
  init(reading bytes: ArraySlice<UInt8>, in package: String) throws(SchemaError) {
    var name = ""
    var methods: [MethodSchema] = []
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let value)): name = try text(value)
      case (2, .bytes(let value)): methods.append(try MethodSchema(reading: value))
      default: break
      }
    }
    self.init(
      name: name, fullName: package.isEmpty ? name : "\(package).\(name)", methods: methods)
  }
}

extension MethodSchema {
  init(reading bytes: ArraySlice<UInt8>) throws(SchemaError) {
    var name = ""
    var input = ""
    var output = ""
    var isClientStreaming = false
    var isServerStreaming = false
    var options = OptionFields()
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let value)): name = try text(value)
      case (2, .bytes(let value)): input = try text(value)
      case (3, .bytes(let value)): output = try text(value)
      case (4, .bytes(let value)): try options.add(value)
      case (5, .varint(let value)): isClientStreaming = value != 0
      case (6, .varint(let value)): isServerStreaming = value != 0
      default: break
      }
    }
    self.init(
      name: name, inputName: input.hasPrefix(".") ? String(input.dropFirst()) : input,
      outputName: output.hasPrefix(".") ? String(output.dropFirst()) : output,
      isClientStreaming: isClientStreaming, isServerStreaming: isServerStreaming,
      options: options)
  }
}
