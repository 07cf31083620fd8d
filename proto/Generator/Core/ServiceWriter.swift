import Descriptors

/// A service as method descriptors, a server protocol and a client.
struct ServiceWriter {
  let service: ServiceSchema
  let file: FileSchema
  let names: SwiftNames
  private let path: [Int32]

  init(_ service: ServiceSchema, at index: Int32, of file: FileSchema, names: SwiftNames) {
    self.service = service
    self.file = file
    self.names = names
    path = [6, index]
  }

  var name: String { file.swiftPrefix + service.name }

  var comment: String? { file.comments[path] }

  func comment(_ index: Int) -> String? { file.comments[path + [2, Int32(index)]] }

  /// The methods as values, and the descriptor set of the service's file.
  func methods(wire: String) throws -> String {
    var text = SourceText()
    text.line("import Protobuf")
    text.line("package import RPC")
    text.line("import \(wire)")
    text.line()
    text.documentation("The methods of `\(service.fullName)` as its proto declares them.")
    try text.block("package enum \(name)Methods") { text in
      for (index, method) in service.methods.enumerated() {
        text.documentation(comment(index))
        try write(method, to: &text)
      }
      text.line()
      text.documentation(comment, or: "`\(service.fullName)`.")
      text.line("package static let descriptor = ServiceDescriptor(")
      text.indented { text in
        text.line("name: \"\(service.fullName)\",")
        let list = service.methods.map { SwiftNames.property($0.name) }.joined(separator: ", ")
        text.line("methods: [\(list)],")
        text.line("descriptorSet: { unsafe wireBytes(\(CNames.descriptorSet(file))) })")
      }
    }
    return text.text
  }

  private func write(_ method: MethodSchema, to text: inout SourceText) throws {
    let rules = try MethodRules(method)
    var arguments = [
      "service: \"\(service.fullName)\"", "method: \"\(method.name)\"", "kind: .\(kind(method))",
    ]
    switch method.options.varint(34) {
    case 1: arguments.append("idempotency: .noSideEffects")
    case 2: arguments.append("idempotency: .idempotent")
    default: break
    }
    if !rules.callers.isEmpty {
      let list = rules.callers.map { "\"\($0)\"" }.joined(separator: ", ")
      arguments.append("callers: [\(list)]")
    }
    if rules.requestBytesMax > 0 { arguments.append("requestBytesMax: \(rules.requestBytesMax)") }
    if rules.responseBytesMax > 0 {
      arguments.append("responseBytesMax: \(rules.responseBytesMax)")
    }
    text.line("package static let \(SwiftNames.property(method.name)) = MethodDescriptor(")
    text.indented { $0.line(arguments.joined(separator: ", ") + ")") }
  }

  func kind(_ method: MethodSchema) -> String {
    switch (method.isClientStreaming, method.isServerStreaming) {
    case (false, false): "unary"
    case (true, false): "clientStreaming"
    case (false, true): "serverStreaming"
    case (true, true): "bidirectional"
    }
  }
}
