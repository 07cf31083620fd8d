import Descriptors

/// All Swift files of one proto file.
struct SwiftFileSet {
  private let file: FileSchema
  private let names: SwiftNames
  private let options: GenerationOptions

  init(_ file: FileSchema, names: SwiftNames, options: GenerationOptions) {
    self.file = file
    self.names = names
    self.options = options
  }

  func files() throws -> [GeneratedFile] {
    var files: [GeneratedFile] = []
    if !file.messages.isEmpty || !file.enums.isEmpty {
      files.append(swift(baseName, try values()))
    }
    if !file.messages.isEmpty {
      files.append(swift("\(baseName)+Wire", try conversions()))
    }
    for (index, service) in file.services.enumerated() {
      let writer = ServiceWriter(service, at: Int32(index), of: file, names: names)
      let name = file.swiftPrefix + service.name
      files.append(swift("\(name)Methods", try writer.methods(wire: options.wire)))
      if options.stubs == .full {
        files.append(swift("\(name)Stubs", try writer.stubs(module: options.module)))
      }
    }
    return files
  }

  /// `ReflectionV1Alpha` for reflection.proto with that prefix.
  private var baseName: String {
    let last = file.name.split(separator: "/").last ?? ""
    let stem = SwiftNames.upperCamel(String(last.dropLast(".proto".count)))
    return file.swiftPrefix.hasPrefix(stem) ? file.swiftPrefix : file.swiftPrefix + stem
  }

  private func swift(_ name: String, _ text: String) -> GeneratedFile {
    GeneratedFile(name: "Contract/Generated/\(name).swift", content: Header.swift + text)
  }

  private func values() throws -> String {
    var text = SourceText()
    for module in try foreignModules() { text.line("package import \(module)") }
    for (index, message) in file.messages.enumerated() {
      text.line()
      try MessageWriter(file, names: names).write(message, at: [4, Int32(index)], to: &text)
    }
    for (index, value) in file.enums.enumerated() {
      text.line()
      let name = file.swiftPrefix + value.name
      EnumWriter(file).write(value, named: name, at: [5, Int32(index)], to: &text)
    }
    return text.text
  }

  private func conversions() throws -> String {
    var text = SourceText()
    text.line("import CProtobufC")
    text.line("import \(options.wire)")
    text.line("package import Protobuf")
    for module in try foreignModules() { text.line("import \(module)") }
    for message in file.messages {
      try ConversionWriter(names: names).write(message, to: &text)
    }
    return text.text
  }

  /// Modules of the types that this file's messages are made of, but for its own.
  private func foreignModules() throws -> [String] {
    var modules: Set<String> = []
    func add(_ messages: [MessageSchema]) throws {
      for message in messages {
        for field in message.fields where !field.typeName.isEmpty {
          modules.insert(try names.module(field.typeName))
        }
        try add(message.messages)
      }
    }
    try add(file.messages)
    return modules.subtracting([options.module]).sorted()
  }
}
