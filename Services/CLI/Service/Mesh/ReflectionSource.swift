import Descriptors
import Faults
import MeshContract
import RPC

/// What a server says of its own services, by gRPC's reflection protocol.
struct ReflectionSource: Sendable {
  let channel: Channel
  /// For each question.
  var timeout = Duration.seconds(5)

  private enum Answer {
    case services([String])
    case files([[UInt8]])
  }

  /// Full names of the services the server has.
  func serviceNames() async throws -> [String] {
    guard case .services(let names) = try await ask(.listServices("*")) else { throw Self.nonsense }
    return names
  }

  /// The types that the symbols need: files that define them and all that those import.
  func schema(of symbols: [String]) async throws -> SchemaSet {
    var files: [FileSchema] = []
    var known: Set<String> = []
    var wanted: [String] = []
    func take(_ answer: Answer) throws {
      guard case .files(let packed) = answer else { throw Self.nonsense }
      for bytes in packed {
        let file = try FileSchema(reading: bytes)
        guard known.insert(file.name).inserted else { continue }
        files.append(file)
        wanted += file.dependencies
      }
      guard files.count <= SchemaLimits.filesMax else {
        throw Fault(
          .resourceExhausted, reason: "TOO_MANY_FILES",
          "The server describes more than \(SchemaLimits.filesMax) files.")
      }
    }
    for symbol in symbols { try take(try await ask(.fileContainingSymbol(symbol))) }
    // Most servers send imports along; from others they are asked for.
    while let name = wanted.popLast() {
      if !known.contains(name) { try take(try await ask(.fileByFilename(name))) }
    }
    return try SchemaSet(files: files)
  }

  /// Asks in the protocol's current version, or in the older one that is the same on the wire.
  private func ask(
    _ question: ReflectionV1ServerReflectionRequest.MessageRequest
  ) async throws -> Answer {
    do {
      return try await ask(question, by: ReflectionV1ServerReflectionMethods.serverReflectionInfo)
    } catch let fault as Fault where fault.code == .unimplemented {
      do {
        let older = ReflectionV1AlphaServerReflectionMethods.serverReflectionInfo
        return try await ask(question, by: older)
      } catch let fault as Fault where fault.code == .unimplemented {
        throw Fault(
          .unimplemented, reason: "NO_REFLECTION", "The server does not serve reflection.",
          hint: "every service of the mesh does; is the address right?")
      }
    }
  }

  private func ask(
    _ question: ReflectionV1ServerReflectionRequest.MessageRequest, by method: MethodDescriptor
  ) async throws -> Answer {
    let call:
      BidirectionalCall<ReflectionV1ServerReflectionRequest, ReflectionV1ServerReflectionResponse> =
        channel.bidirectional(method, options: CallOptions(timeout: timeout))
    try await call.send(ReflectionV1ServerReflectionRequest(messageRequest: question))
    call.finishSending()
    guard let response = try await call.responses.next() else { throw Self.nonsense }
    switch response.messageResponse {
    case .listServicesResponse(let answer): return .services(answer.service.map(\.name))
    case .fileDescriptorResponse(let answer): return .files(answer.fileDescriptorProto)
    case .errorResponse(let error):
      throw Fault(
        Fault.Code(rawValue: error.errorCode) ?? .unknown, reason: "REFLECTION",
        error.errorMessage)
    case .allExtensionNumbersResponse, nil: throw Self.nonsense
    }
  }

  private static var nonsense: Fault {
    Fault(.internal, reason: "REFLECTION", "The server's reflection answers something else.")
  }
}
