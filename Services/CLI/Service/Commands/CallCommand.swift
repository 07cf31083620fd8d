import Compose
import Console
import Descriptors
import Faults
import GRPCFormat
import JSON
import Machine
import RPC
import Supervisor
import ToolContext

/// `assay call`: any method of any server that serves reflection, in JSON.
enum CallCommand {
  static let command = Command(
    "call", "call a method with JSON",
    operands: Operands(
      "[SERVICE/]METHOD ['{json}'|@FILE|-]", count: 1...2, completion: .services),
    flags: Flag.mesh + [
      Flag("address", value: "ADDRESS", "the server, when not the running mesh's"),
      Flag("header", short: "H", value: "NAME:VALUE", repeats: true, "metadata to send along"),
      Flag("timeout", value: "TIME", "the deadline of the call; 10s unless given or streaming"),
      Flag("defaults", "print fields that are at their default too"),
    ],
    details: """
      The method is `service/Method` with a service of the mesh (`store/Info`), a gRPC service
      (`assay.admin.v1.Admin/Info`, `Admin/Info`), or both (`store/Admin/Info`). Types come from
      the server's reflection. The request is JSON, @FILE, or - for standard input; none means
      {}. A method that takes a stream reads one JSON value a line. Responses are printed one
      JSON value a line.
      """,
    examples: [
      "assay call store/Info",
      "assay call assay.admin.v1.Admin/Info '{}' --address unix:/run/x.sock",
      "assay call store/Health/Watch --timeout 5s",
    ]
  ) { context in
    let timeout = try TimeArgument.parse(context.invocation, "timeout")
    let metadata = try headers(context.invocation)
    let target = try await MethodTarget.find(
      context.operands[0], at: context.invocation.value("address"), context)
    let mapping = JSONMapping(
      target.schema, includesDefaults: context.invocation.has("defaults"))
    let requests = try requests(context, of: target.method, mapping)
    var options = CallOptions(timeout: timeout)
    options.metadata = metadata
    // Not known to be safe to repeat: a person repeats it when she wants to.
    options.retries = false
    let isStream = target.method.isClientStreaming || target.method.isServerStreaming
    if timeout == nil, !isStream { options.timeout = .seconds(10) }
    let show: @Sendable (OpaqueMessage) throws -> Void = { message in
      let value = try mapping.json(of: message.bytes, as: target.method.outputName)
      let isPretty = !context.terminal.isJSON && !target.method.isServerStreaming
      context.terminal.line(value.text(pretty: isPretty))
      guard !context.terminal.isClosed else {
        throw Fault(.cancelled, reason: "OUTPUT_CLOSED", "Nobody reads the answers any more.")
      }
    }
    try await call(target, requests, options, show)
    return .success
  }

  // MARK: - What is sent

  private static func headers(_ invocation: Invocation) throws(UsageError) -> Metadata {
    var metadata = Metadata()
    for header in invocation.values("header") {
      let parts = header.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts[0].lowercased()
      let value = parts.count > 1 ? String(parts[1]).trimmed : ""
      guard parts.count == 2, metadata.add(name, value) else {
        throw UsageError(
          "\(header) cannot be sent as metadata", hint: "-H x-request:42, names in lower case",
          verb: "call")
      }
    }
    return metadata
  }

  /// The packed requests; all are read before the first is sent.
  private static func requests(
    _ context: CommandContext, of method: MethodSchema, _ mapping: JSONMapping
  ) throws -> [OpaqueMessage] {
    let text = try body(context)
    let values: [JSONValue]
    do {
      values =
        method.isClientStreaming
        ? try lines(of: text).map { try JSONValue(parsing: $0) }
        : [try JSONValue(parsing: text.trimmed.isEmpty ? "{}" : text)]
    } catch {
      throw Fault(
        .invalidArgument, reason: "BAD_JSON", "The request is no JSON: \(error).",
        hint: "keep the shell from reading quotes: '{\"a\": 1}'")
    }
    return try values.map { OpaqueMessage(try mapping.bytes(of: $0, as: method.inputName)) }
  }

  private static func lines(of text: String) -> [String] {
    text.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.trimmed.isEmpty }
  }

  private static func body(_ context: CommandContext) throws(MachineError) -> String {
    guard context.operands.count > 1 else { return "" }
    let word = context.operands[1]
    if word == "-" {
      let bytes = try StandardStream.input.readAll(bytesMax: CommandLimits.requestBytesMax)
      return String(decoding: bytes, as: UTF8.self)
    }
    if word.hasPrefix("@") {
      let path = Surroundings.absolute(
        String(word.dropFirst()), in: context.place.workingDirectory)
      return try Files.readText(path, bytesMax: CommandLimits.requestBytesMax)
    }
    return word
  }

  // MARK: - The call

  private static func call(
    _ target: MethodTarget, _ requests: [OpaqueMessage], _ options: CallOptions,
    _ show: @escaping @Sendable (OpaqueMessage) throws -> Void
  ) async throws {
    let channel = target.channel
    let method = target.descriptor
    let request = requests.first ?? OpaqueMessage()
    switch method.kind {
    case .unary:
      let answer: OpaqueMessage = try await channel.unary(method, request, options: options)
      try show(answer)
    case .serverStreaming:
      let answers: ResponseStream<OpaqueMessage> = channel.serverStreaming(
        method, request, options: options)
      for try await answer in answers { try show(answer) }
    case .clientStreaming:
      let call: ClientStreamingCall<OpaqueMessage, OpaqueMessage> = channel.clientStreaming(
        method, options: options)
      for request in requests { try await call.send(request) }
      try show(try await call.finish())
    case .bidirectional:
      let call: BidirectionalCall<OpaqueMessage, OpaqueMessage> = channel.bidirectional(
        method, options: options)
      let printing = Task {
        for try await answer in call.responses { try show(answer) }
      }
      do {
        for request in requests { try await call.send(request) }
        call.finishSending()
      } catch {
        // What the server ended the call with says more than that it no longer listens.
        try await printing.value
        throw error
      }
      try await printing.value
    }
  }
}
