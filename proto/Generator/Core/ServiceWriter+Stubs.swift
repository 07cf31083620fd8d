import Descriptors

extension ServiceWriter {
  /// The server protocol and the client.
  func stubs(module: String) throws -> String {
    var modules: Set<String> = ["RPC"]
    for method in service.methods {
      modules.insert(try names.module(method.inputName))
      modules.insert(try names.module(method.outputName))
    }
    var text = SourceText()
    for module in modules.subtracting([module]).sorted() { text.line("package import \(module)") }
    text.line()
    try writeServer(to: &text)
    text.line()
    try writeClient(to: &text)
    return text.text
  }

  private func writeServer(to text: inout SourceText) throws {
    text.documentation(comment, or: "`\(service.fullName)`.")
    try text.block("package protocol \(name)Server: Sendable") { text in
      for (index, method) in service.methods.enumerated() {
        if index > 0 { text.line() }
        text.documentation(comment(index))
        text.line(try serverSignature(method))
      }
    }
    text.line()
    text.block("extension \(name)Server") { text in
      text.documentation("The service with its methods bound to this value.")
      text.block("package var definition: ServiceDefinition") { text in
        text.line("ServiceDefinition(")
        text.indented { text in
          text.line("\(name)Methods.descriptor,")
          text.line("handlers: [")
          text.indented { text in
            for method in service.methods { text.line(binding(method) + ",") }
          }
          text.line("])")
        }
      }
    }
  }

  private func serverSignature(_ method: MethodSchema) throws -> String {
    let request = try names.path(method.inputName)
    let response = try names.path(method.outputName)
    let function = "func \(SwiftNames.property(method.name))"
    switch (method.isClientStreaming, method.isServerStreaming) {
    case (false, false):
      return "\(function)(_ request: \(request), context: ServerContext) "
        + "async throws -> \(response)"
    case (false, true):
      return "\(function)(_ request: \(request), responses: ResponseWriter<\(response)>, "
        + "context: ServerContext) async throws"
    case (true, false):
      return "\(function)(_ requests: RequestStream<\(request)>, context: ServerContext) "
        + "async throws -> \(response)"
    case (true, true):
      return "\(function)(_ requests: RequestStream<\(request)>, "
        + "responses: ResponseWriter<\(response)>, context: ServerContext) async throws"
    }
  }

  private func binding(_ method: MethodSchema) -> String {
    let name = SwiftNames.property(method.name)
    let descriptor = "\(self.name)Methods.\(name)"
    return switch (method.isClientStreaming, method.isServerStreaming) {
    case (false, false):
      ".unary(\(descriptor)) { try await self.\(name)($0, context: $1) }"
    case (false, true):
      ".serverStreaming(\(descriptor)) { try await self.\(name)($0, responses: $1, context: $2) }"
    case (true, false):
      ".clientStreaming(\(descriptor)) { try await self.\(name)($0, context: $1) }"
    case (true, true):
      ".bidirectional(\(descriptor)) { try await self.\(name)($0, responses: $1, context: $2) }"
    }
  }

  private func writeClient(to text: inout SourceText) throws {
    text.documentation("Calls `\(service.fullName)` through a channel.")
    try text.block("package struct \(name)Client: Sendable") { text in
      text.line("package let channel: Channel")
      text.line()
      text.block("package init(_ channel: Channel)") { $0.line("self.channel = channel") }
      for (index, method) in service.methods.enumerated() {
        text.line()
        text.documentation(comment(index), or: "Calls `\(method.name)`.")
        try write(clientOf: method, to: &text)
      }
    }
  }

  private func write(clientOf method: MethodSchema, to text: inout SourceText) throws {
    let request = try names.path(method.inputName)
    let response = try names.path(method.outputName)
    let function = "package func \(SwiftNames.property(method.name))"
    let descriptor = "\(name)Methods.\(SwiftNames.property(method.name))"
    let options = "options: CallOptions = CallOptions()"
    switch (method.isClientStreaming, method.isServerStreaming) {
    case (false, false):
      text.block("\(function)(_ request: \(request), \(options)) async throws -> \(response)") {
        $0.line("try await channel.unary(\(descriptor), request, options: options)")
      }
    case (false, true):
      text.block("\(function)(_ request: \(request), \(options)) -> ResponseStream<\(response)>") {
        $0.line("channel.serverStreaming(\(descriptor), request, options: options)")
      }
    case (true, false):
      text.block("\(function)(\(options)) -> ClientStreamingCall<\(request), \(response)>") {
        $0.line("channel.clientStreaming(\(descriptor), options: options)")
      }
    case (true, true):
      text.block("\(function)(\(options)) -> BidirectionalCall<\(request), \(response)>") {
        $0.line("channel.bidirectional(\(descriptor), options: options)")
      }
    }
  }
}
