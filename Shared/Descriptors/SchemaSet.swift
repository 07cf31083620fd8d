/// Files that together define every type they name.
package struct SchemaSet: Sendable {
  /// In the order given.
  package let files: [FileSchema]
  private let messagesByName: [String: MessageSchema]
  private let enumsByName: [String: EnumSchema]
  private let servicesByName: [String: ServiceSchema]
  private let fileByType: [String: Int]

  /// Checks that every name is defined once and every type named is defined.
  package init(files: [FileSchema]) throws(SchemaError) {
    guard files.count <= SchemaLimits.filesMax else {
      throw SchemaError(.tooLarge, "\(files.count) files in one descriptor set")
    }
    var index = Index()
    for (position, file) in files.enumerated() {
      try index.add(file.messages, of: position)
      for value in file.enums { try index.add(value, of: position) }
      for service in file.services {
        try index.claim(service.fullName, of: position)
        index.services[service.fullName] = service
      }
    }
    try index.check()
    self.files = files
    messagesByName = index.messages
    enumsByName = index.enums
    servicesByName = index.services
    fileByType = index.files
  }

  /// Reads a packed `google.protobuf.FileDescriptorSet`.
  package init(reading bytes: [UInt8]) throws(SchemaError) {
    guard bytes.count <= SchemaLimits.setBytesMax else {
      throw SchemaError(.tooLarge, "a descriptor set of \(bytes.count) bytes")
    }
    var files: [FileSchema] = []
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      guard field.number == 1, case .bytes(let value) = field.value else { continue }
      files.append(try FileSchema(reading: Array(value)))
    }
    try self.init(files: files)
  }

  /// The message type of this full name, `assay.admin.v1.Sample`.
  package func message(_ name: String) -> MessageSchema? { messagesByName[name] }

  /// The enum type of this full name.
  package func `enum`(_ name: String) -> EnumSchema? { enumsByName[name] }

  /// The service of this full name.
  package func service(_ name: String) -> ServiceSchema? { servicesByName[name] }

  /// The file of this name.
  package func file(_ name: String) -> FileSchema? { files.first { $0.name == name } }

  /// The file that defines this message, enum or service.
  package func file(defining name: String) -> FileSchema? { fileByType[name].map { files[$0] } }

  /// Full names of all services, in order.
  package var serviceNames: [String] { servicesByName.keys.sorted() }

  /// Full names of all message types, in order.
  package var messageNames: [String] { messagesByName.keys.sorted() }

  /// A way from this message type back to itself, or nil when there is none.
  package func cycle(from name: String) -> [String]? {
    var finished: Set<String> = []
    return cycle(at: name, trail: [], finished: &finished)
  }

  private func cycle(
    at name: String, trail: [String], finished: inout Set<String>
  ) -> [String]? {
    if let start = trail.firstIndex(of: name) { return Array(trail[start...]) + [name] }
    // A trail longer than any real one counts as a cycle: the walk itself stays bounded.
    if trail.count > SchemaLimits.depthMax { return trail }
    if finished.contains(name) { return nil }
    for field in messagesByName[name]?.fields ?? [] where field.kind == .message {
      if let found = cycle(at: field.typeName, trail: trail + [name], finished: &finished) {
        return found
      }
    }
    finished.insert(name)
    return nil
  }
}

extension SchemaSet {
  private struct Index {
    var messages: [String: MessageSchema] = [:]
    var enums: [String: EnumSchema] = [:]
    var services: [String: ServiceSchema] = [:]
    var files: [String: Int] = [:]

    mutating func claim(_ name: String, of file: Int) throws(SchemaError) {
      guard files.updateValue(file, forKey: name) == nil else {
        throw SchemaError(.duplicateName, "\(name) is defined twice")
      }
      guard files.count <= SchemaLimits.typesMax else {
        throw SchemaError(.tooLarge, "more than \(SchemaLimits.typesMax) types")
      }
    }

    mutating func add(_ list: [MessageSchema], of file: Int) throws(SchemaError) {
      for message in list {
        try claim(message.fullName, of: file)
        messages[message.fullName] = message
        try add(message.messages, of: file)
        for value in message.enums { try add(value, of: file) }
      }
    }

    mutating func add(_ value: EnumSchema, of file: Int) throws(SchemaError) {
      try claim(value.fullName, of: file)
      enums[value.fullName] = value
    }

    func check() throws(SchemaError) {
      for message in messages.values {
        for field in message.fields {
          let isKnown =
            switch field.kind {
            case .message, .group: messages[field.typeName] != nil
            case .enum: enums[field.typeName] != nil
            default: true
            }
          guard isKnown else {
            throw SchemaError(
              .unknownType, "\(message.fullName).\(field.name) is of \(field.typeName), unknown")
          }
        }
      }
      for service in services.values {
        for method in service.methods {
          for name in [method.inputName, method.outputName] where messages[name] == nil {
            throw SchemaError(
              .unknownType, "\(service.fullName).\(method.name) takes \(name), unknown")
          }
        }
      }
    }
  }
}
