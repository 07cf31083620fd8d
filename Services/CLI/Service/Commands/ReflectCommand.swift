import Console
import Descriptors
import Faults
import JSON
import RPC
import Supervisor
import ToolContext

/// `assay reflect`: what a server can be asked.
enum ReflectCommand {
  static let command = Command(
    "reflect", "print the services, methods and messages of a server",
    operands: Operands("[ADDRESS|SERVICE] [SYMBOL]", count: 0...2, completion: .services),
    flags: Flag.mesh + [Flag("types", "print the messages of each service too")],
    details: """
      Without words, the gRPC services of the whole mesh. With an address or a service of the
      mesh, its services as proto declarations. With the full name of a service, method, message
      or enum, that one.
      """,
    examples: [
      "assay reflect", "assay reflect store", "assay reflect store assay.admin.v1.InfoResponse",
      "assay reflect unix:/run/assay/store/store-1.sock --types",
    ]
  ) { context in
    guard let place = context.operands.first else { return try await overview(context) }
    guard let target = try await MeshTarget.resolve(place, context).first else { return .failed }
    let source = ReflectionSource(channel: Channel(to: target.address, on: context.loop))
    if context.operands.count == 2 {
      return try await show(context.operands[1], of: source, context)
    }
    let names = try await source.serviceNames()
    let schema = try await source.schema(of: names)
    for name in names { try show(name, in: schema, context) }
    return .success
  }

  private static func overview(_ context: CommandContext) async throws -> ExitCode {
    var seen: Set<String> = []
    // Replicas of one service are alike: the first one speaks for all.
    for target in try await MeshTarget.all(context)
    where seen.insert(target.service ?? target.name).inserted {
      let source = ReflectionSource(channel: Channel(to: target.address, on: context.loop))
      for name in try await source.serviceNames() {
        let service = target.service ?? target.name
        if context.terminal.isJSON {
          context.terminal.line(["service": .string(service), "grpc_service": .string(name)])
        } else {
          context.terminal.line("\(service)  \(Terminal.harmless(name))")
        }
      }
    }
    return .success
  }

  private static func show(
    _ symbol: String, of source: ReflectionSource, _ context: CommandContext
  ) async throws -> ExitCode {
    let schema: SchemaSet
    do {
      schema = try await source.schema(of: [symbol])
    } catch let fault as Fault where fault.code == .notFound {
      let names = try await source.serviceNames()
      throw Fault(
        .notFound, reason: "UNKNOWN_SYMBOL", fault.message,
        hint: "services: \(names.joined(separator: ", "))")
    }
    try show(symbol, in: schema, context)
    return .success
  }

  private static func show(
    _ symbol: String, in schema: SchemaSet, _ context: CommandContext
  ) throws {
    let text = ProtoText(schema)
    if context.terminal.isJSON, let service = schema.service(symbol) {
      context.terminal.line(json(of: service))
      return
    }
    guard let declaration = text.text(of: symbol) else {
      throw Fault(.notFound, reason: "UNKNOWN_SYMBOL", "Nothing is called \(symbol).")
    }
    if context.terminal.isJSON {
      context.terminal.line(["symbol": .string(symbol), "proto": .string(declaration)])
      return
    }
    context.terminal.output(plain(declaration))
    guard context.invocation.has("types"), let service = schema.service(symbol) else { return }
    for type in text.types(of: service) {
      context.terminal.output("\n" + plain(text.text(of: type) ?? ""))
    }
  }

  private static func plain(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { Terminal.harmless(String($0)) }.joined(separator: "\n")
  }

  private static func json(of service: ServiceSchema) -> JSONValue {
    [
      "grpc_service": .string(service.fullName),
      "methods": .array(
        service.methods.map { method in
          [
            "name": .string(method.name), "request": .string(method.inputName),
            "response": .string(method.outputName),
            "client_streaming": .bool(method.isClientStreaming),
            "server_streaming": .bool(method.isServerStreaming),
          ]
        }),
    ]
  }
}
