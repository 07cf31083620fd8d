import Faults
import MeshContract
import RPC

/// grpc.reflection.v1.ServerReflection over an index.
struct ReflectionService: ReflectionV1ServerReflectionServer {
  let index: ReflectionIndex

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
    switch index.answer(question) {
    case .files(let files):
      var answer = ReflectionV1FileDescriptorResponse()
      answer.fileDescriptorProto = files
      response.messageResponse = .fileDescriptorResponse(answer)
    case .services(let names):
      var answer = ReflectionV1ListServiceResponse()
      answer.service = names.map { name in
        var service = ReflectionV1ServiceResponse()
        service.name = name
        return service
      }
      response.messageResponse = .listServicesResponse(answer)
    case .extensions(let name):
      var answer = ReflectionV1ExtensionNumberResponse()
      answer.baseTypeName = name
      response.messageResponse = .allExtensionNumbersResponse(answer)
    case .unknown(let code, let text):
      var answer = ReflectionV1ErrorResponse()
      answer.errorCode = code.rawValue
      answer.errorMessage = text
      response.messageResponse = .errorResponse(answer)
    }
    return response
  }
}
