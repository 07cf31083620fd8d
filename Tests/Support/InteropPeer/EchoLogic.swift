import RPC
import TestingContract

/// assay.testing.v1.Echo: what the benchmarks call.
struct EchoLogic: EchoServer {
  func say(_ request: EchoRequest, context: ServerContext) async throws -> EchoResponse {
    EchoLogic.response(request)
  }

  func sayAgain(_ request: EchoRequest, context: ServerContext) async throws -> EchoResponse {
    EchoLogic.response(request)
  }

  func expand(
    _ request: EchoRequest, responses: ResponseWriter<EchoResponse>, context: ServerContext
  ) async throws {
    var response = EchoLogic.response(request)
    for index in 0..<request.times {
      response.index = index
      try await responses.send(response)
    }
  }

  func collect(
    _ requests: RequestStream<EchoRequest>, context: ServerContext
  ) async throws -> EchoResponse {
    var response = EchoResponse()
    for try await request in requests { response.text += request.text }
    return response
  }

  func chat(
    _ requests: RequestStream<EchoRequest>, responses: ResponseWriter<EchoResponse>,
    context: ServerContext
  ) async throws {
    for try await request in requests { try await responses.send(EchoLogic.response(request)) }
  }

  func mirror(_ request: Features, context: ServerContext) async throws -> Features { request }

  func `private`(_ request: EchoRequest, context: ServerContext) async throws -> EchoResponse {
    EchoLogic.response(request)
  }

  func forStore(_ request: EchoRequest, context: ServerContext) async throws -> EchoResponse {
    EchoLogic.response(request)
  }

  private static func response(_ request: EchoRequest) -> EchoResponse {
    var response = EchoResponse()
    response.text = request.text
    response.data = request.data
    return response
  }
}
