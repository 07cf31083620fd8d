import Faults
import MeshContract
import RPC

/// grpc.reflection.v1.ServerReflection over an index, and v1alpha of it, which older clients ask.
///
/// The two differ in the name of their package alone: their messages are the same on the wire, so
/// those of v1 speak for both.
struct ReflectionService: ReflectionV1ServerReflectionServer {
  let index: ReflectionIndex

  /// The service under both of its names.
  var definitions: [ServiceDefinition] {
    let alpha = ReflectionV1AlphaServerReflectionMethods.self
    return [
      definition,
      ServiceDefinition(
        alpha.descriptor,
        handlers: [.bidirectional(alpha.serverReflectionInfo, serverReflectionInfo)]),
    ]
  }

  func serverReflectionInfo(
    _ requests: RequestStream<ReflectionV1ServerReflectionRequest>,
    responses: ResponseWriter<ReflectionV1ServerReflectionResponse>, context: ServerContext
  ) async throws {
    for try await request in requests { try await responses.send(answer(request)) }
  }

  private func answer(
    _ request: ReflectionV1ServerReflectionRequest
  ) -> ReflectionV1ServerReflectionResponse {
    let question: ReflectionIndex.Question =
      switch request.messageRequest {
      case .fileByFilename(let name): .file(name)
      case .fileContainingSymbol(let name): .symbol(name)
      case .fileContainingExtension(let wanted): .extensions(of: wanted.containingType)
      case .allExtensionNumbersOfType(let name): .extensions(of: name)
      case .listServices: .services
      case nil: .nothing
      }
    var response = ReflectionV1ServerReflectionResponse()
    response.validHost = request.host
    response.originalRequest = request
    response.messageResponse = ReflectionService.message(of: index.answer(question))
    return response
  }

  private static func message(
    of answer: ReflectionIndex.Answer
  ) -> ReflectionV1ServerReflectionResponse.MessageResponse {
    switch answer {
    case .files(let files):
      .fileDescriptorResponse(ReflectionV1FileDescriptorResponse(fileDescriptorProto: files))
    case .services(let names):
      .listServicesResponse(
        ReflectionV1ListServiceResponse(
          service: names.map { ReflectionV1ServiceResponse(name: $0) }))
    case .extensions(let name):
      .allExtensionNumbersResponse(ReflectionV1ExtensionNumberResponse(baseTypeName: name))
    case .unknown(let code, let text):
      .errorResponse(ReflectionV1ErrorResponse(errorCode: code.rawValue, errorMessage: text))
    }
  }
}
