package import Descriptors

/// Services and types as a proto file would declare them.
package struct ProtoText: Sendable {
  private let schema: SchemaSet

  package init(_ schema: SchemaSet) {
    self.schema = schema
  }

  /// A service, message, enum or method by its full name; nil when there is none.
  package func text(of symbol: String) -> String? {
    if let service = schema.service(symbol) { return text(of: service) }
    if let message = schema.message(symbol) { return text(of: message, indent: "") }
    if let value = schema.enum(symbol) { return text(of: value, indent: "") }
    guard let dot = symbol.lastIndex(of: "."),
      let service = schema.service(String(symbol[..<dot])),
      let method = service.methods.first(where: { $0.name == symbol[symbol.index(after: dot)...] })
    else { return nil }
    return line(of: method) + "\n"
  }

  /// Full names of the types that a service's methods take and give, and all they are made of.
  package func types(of service: ServiceSchema) -> [String] {
    var found: [String] = []
    var waiting = service.methods.flatMap { [$0.inputName, $0.outputName] }
    while let name = waiting.first {
      waiting.removeFirst()
      guard !found.contains(name) else { continue }
      guard let message = schema.message(name) else {
        if schema.enum(name) != nil { found.append(name) }
        continue
      }
      if !message.isMapEntry { found.append(name) }
      waiting += message.fields.map(\.typeName).filter { !$0.isEmpty }
    }
    // Types inside others are printed with them.
    return found.filter { name in
      !found.contains { name.hasPrefix("\($0).") }
    }
  }

  // MARK: - Declarations

  private func text(of service: ServiceSchema) -> String {
    let lines = service.methods.map { "  \(line(of: $0))\n" }
    return "service \(service.fullName) {\n\(lines.joined())}\n"
  }

  private func line(of method: MethodSchema) -> String {
    func type(_ name: String, _ isStream: Bool) -> String { (isStream ? "stream " : "") + name }
    return "rpc \(method.name)(\(type(method.inputName, method.isClientStreaming)))"
      + " returns (\(type(method.outputName, method.isServerStreaming)));"
  }

  private func text(of message: MessageSchema, indent: String) -> String {
    let name = indent.isEmpty ? message.fullName : message.name
    var text = "\(indent)message \(name) {\n"
    let inner = indent + "  "
    for value in message.enums { text += self.text(of: value, indent: inner) }
    for nested in message.messages where !nested.isMapEntry {
      text += self.text(of: nested, indent: inner)
    }
    var oneof: Int?
    for field in message.fields {
      let own = field.isProto3Optional ? nil : field.oneofIndex
      if own != oneof {
        if oneof != nil { text += "\(inner)}\n" }
        if let own { text += "\(inner)oneof \(message.oneofs[own]) {\n" }
        oneof = own
      }
      text += (oneof == nil ? inner : inner + "  ") + declaration(of: field) + "\n"
    }
    if oneof != nil { text += "\(inner)}\n" }
    return text + "\(indent)}\n"
  }

  private func declaration(of field: FieldSchema) -> String {
    let deprecated = field.isDeprecated ? " [deprecated = true]" : ""
    let end = "\(field.name) = \(field.number)\(deprecated);"
    if field.kind == .message, let entry = schema.message(field.typeName), entry.isMapEntry,
      let key = entry.field(number: 1), let value = entry.field(number: 2)
    {
      return "map<\(Self.type(of: key)), \(Self.type(of: value))> \(end)"
    }
    let label =
      field.isRepeated
      ? "repeated " : field.isProto3Optional ? "optional " : field.isRequired ? "required " : ""
    return "\(label)\(Self.type(of: field)) \(end)"
  }

  private static func type(of field: FieldSchema) -> String {
    field.typeName.isEmpty ? "\(field.kind)" : field.typeName
  }

  private func text(of value: EnumSchema, indent: String) -> String {
    let name = indent.isEmpty ? value.fullName : value.name
    let lines = value.values.map { "\(indent)  \($0.name) = \($0.number);\n" }
    return "\(indent)enum \(name) {\n\(lines.joined())\(indent)}\n"
  }
}
