import Descriptors

/// A message as a Swift struct.
struct MessageWriter {
  private let file: FileSchema
  private let names: SwiftNames

  init(_ file: FileSchema, names: SwiftNames) {
    self.file = file
    self.names = names
  }

  func write(_ message: MessageSchema, at path: [Int32], to text: inout SourceText) throws {
    let name = try names.path(message.fullName).split(separator: ".").last.map(String.init) ?? ""
    let properties = try properties(of: message, at: path)
    text.documentation(file.comments[path], or: "`\(message.fullName)`.")
    try text.block("package struct \(name): Sendable, Equatable") { text in
      for property in properties {
        text.documentation(property.comment)
        text.line("package var \(property.name): \(property.type) = \(property.initial)")
      }
      if !properties.isEmpty { text.line() }
      writeInits(properties, to: &text)
      try writeInner(message, at: path, to: &text)
    }
  }

  private func writeInits(_ properties: [Property], to text: inout SourceText) {
    text.documentation("Every field absent or at its default.")
    text.line("package init() {}")
    if properties.isEmpty { return }
    text.line()
    text.documentation("The fields given; all others absent or at their default.")
    text.line("package init(")
    text.indented { text in
      for (index, property) in properties.enumerated() {
        let comma = index == properties.count - 1 ? "" : ","
        text.line("\(property.name): \(property.type) = \(property.initial)\(comma)")
      }
    }
    text.block(")") { text in
      for property in properties { text.line("self.\(property.name) = \(property.name)") }
    }
  }

  private func writeInner(
    _ message: MessageSchema, at path: [Int32], to text: inout SourceText
  ) throws {
    for index in message.oneofs.indices where message.isChoice(index) {
      text.line()
      try writeChoice(index, of: message, at: path, to: &text)
    }
    for (index, inner) in message.messages.enumerated() where !inner.isMapEntry {
      text.line()
      try write(inner, at: path + [3, Int32(index)], to: &text)
    }
    for (index, value) in message.enums.enumerated() {
      text.line()
      EnumWriter(file).write(value, named: value.name, at: path + [4, Int32(index)], to: &text)
    }
  }

  private func writeChoice(
    _ index: Int, of message: MessageSchema, at path: [Int32], to text: inout SourceText
  ) throws {
    let comment = file.comments[path + [8, Int32(index)]]
    text.documentation(comment, or: "One of the fields of `\(message.oneofs[index])`.")
    try text.block("package enum \(message.choiceName(index)): Sendable, Equatable") { text in
      for (position, field) in message.fields.enumerated()
      where field.oneofIndex == index && !field.isProto3Optional {
        text.documentation(file.comments[path + [2, Int32(position)]])
        let type = try Scalar(field, names: names).type
        text.line("case \(SwiftNames.choiceCase(field.name))(\(type))")
      }
    }
  }
}

extension MessageWriter {
  private struct Property {
    let name: String
    let type: String
    let initial: String
    let comment: String?
  }

  private func properties(of message: MessageSchema, at path: [Int32]) throws -> [Property] {
    var properties: [Property] = []
    var choices: Set<Int> = []
    for (index, field) in message.fields.enumerated() {
      let comment = file.comments[path + [2, Int32(index)]]
      let name = SwiftNames.property(field.name)
      switch try FieldShape(field, of: message, names: names) {
      case .plain(let scalar):
        properties.append(
          Property(name: name, type: scalar.type, initial: scalar.initial, comment: comment))
      case .optional(let scalar, _):
        properties.append(
          Property(name: name, type: "\(scalar.type)?", initial: "nil", comment: comment))
      case .repeated(let scalar):
        properties.append(
          Property(name: name, type: "[\(scalar.type)]", initial: "[]", comment: comment))
      case .map(_, let key, let value):
        properties.append(
          Property(
            name: name, type: "[\(key.type): \(value.type)]", initial: "[:]", comment: comment))
      case .choice(let oneof):
        guard choices.insert(oneof).inserted else { continue }
        properties.append(
          Property(
            name: SwiftNames.property(message.oneofs[oneof]),
            type: "\(message.choiceName(oneof))?", initial: "nil",
            comment: file.comments[path + [8, Int32(oneof)]]))
      }
    }
    return properties
  }
}

extension MessageSchema {
  /// Whether the oneof is one of the proto's own, not made for an `optional`.
  func isChoice(_ oneof: Int) -> Bool {
    fields.contains { $0.oneofIndex == oneof && !$0.isProto3Optional }
  }

  /// The nested enum of a oneof: `MessageRequest` for `message_request`.
  func choiceName(_ oneof: Int) -> String {
    let name = SwiftNames.upperCamel(oneofs[oneof])
    let isTaken =
      messages.contains { $0.name == name } || enums.contains { $0.name == name }
      || fields.contains { $0.typeName.split(separator: ".").last == name[...] }
      || ["Type", "Self", "String", "Bool", "Int32", "Int64", "Double", "Float"].contains(name)
    return isTaken ? "\(name)Choice" : name
  }
}

extension SwiftNames {
  /// A case of a oneof's enum; `none` would be read as the absent choice.
  static func choiceCase(_ field: String) -> String {
    let name = property(field)
    return ["none", "some"].contains(name) ? "\(name)_" : name
  }
}
