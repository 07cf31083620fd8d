import EventLoop
import Faults
import GRPCFormat
import RPC
import TestingContract

/// grpc.testing.TestService as the interop cases expect it.
struct TestServiceLogic: TestServiceServer {
  let loop: EventLoop

  func emptyCall(_ request: TestingEmpty, context: ServerContext) async throws -> TestingEmpty {
    echoMetadata(context)
    return TestingEmpty()
  }

  func unaryCall(_ request: SimpleRequest, context: ServerContext) async throws -> SimpleResponse {
    echoMetadata(context)
    try check(request.expectCompressed, context)
    try throwIfAsked(request.responseStatus)
    if request.responseCompressed?.value == true { context.compressResponses() }
    var response = SimpleResponse()
    response.payload = TestServiceLogic.payload(request.responseSize)
    return response
  }

  func cacheableUnaryCall(
    _ request: SimpleRequest, context: ServerContext
  ) async throws -> SimpleResponse {
    try await unaryCall(request, context: context)
  }

  func streamingOutputCall(
    _ request: StreamingOutputCallRequest,
    responses: ResponseWriter<StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    try await answer(request, responses, context)
    try throwIfAsked(request.responseStatus)
  }

  func streamingInputCall(
    _ requests: RequestStream<StreamingInputCallRequest>, context: ServerContext
  ) async throws -> StreamingInputCallResponse {
    var response = StreamingInputCallResponse()
    for try await request in requests {
      try check(request.expectCompressed, context)
      response.aggregatedPayloadSize += Int32(request.payload?.body.count ?? 0)
    }
    return response
  }

  func fullDuplexCall(
    _ requests: RequestStream<StreamingOutputCallRequest>,
    responses: ResponseWriter<StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    echoMetadata(context)
    for try await request in requests {
      try throwIfAsked(request.responseStatus)
      try await answer(request, responses, context)
    }
  }

  func halfDuplexCall(
    _ requests: RequestStream<StreamingOutputCallRequest>,
    responses: ResponseWriter<StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    var all: [StreamingOutputCallRequest] = []
    for try await request in requests { all.append(request) }
    for request in all { try await answer(request, responses, context) }
  }

  func unimplementedCall(
    _ request: TestingEmpty, context: ServerContext
  ) async throws -> TestingEmpty {
    throw Fault(.unimplemented, reason: "UNIMPLEMENTED", "No server implements this.")
  }

  private func answer(
    _ request: StreamingOutputCallRequest,
    _ responses: ResponseWriter<StreamingOutputCallResponse>, _ context: ServerContext
  ) async throws {
    for parameters in request.responseParameters {
      if parameters.intervalUs > 0 {
        try await loop.sleep(for: .microseconds(Int(parameters.intervalUs)))
      }
      if let compressed = parameters.compressed { context.compressResponses(compressed.value) }
      var response = StreamingOutputCallResponse()
      response.payload = TestServiceLogic.payload(parameters.size)
      try await responses.send(response)
    }
  }

  private func echoMetadata(_ context: ServerContext) {
    for entry in context.metadata.entries {
      switch entry.name {
      case "x-grpc-test-echo-initial": context.addInitial([entry])
      case "x-grpc-test-echo-trailing-bin": context.addTrailing([entry])
      default: break
      }
    }
  }

  private func check(_ expected: BoolValue?, _ context: ServerContext) throws {
    guard let expected, expected.value != context.wasLastRequestCompressed else { return }
    throw Fault(
      .invalidArgument, reason: "COMPRESSION", "The request's compression is not as announced.")
  }

  private func throwIfAsked(_ status: EchoStatus?) throws {
    guard let status, status.code != 0 else { return }
    throw Fault(Fault.Code(rawValue: status.code) ?? .unknown, reason: "", status.message)
  }

  private static let payloadBytesMax: Int32 = 1 << 20

  private static func payload(_ size: Int32) -> Payload {
    var payload = Payload()
    payload.body = [UInt8](repeating: 0, count: Int(max(0, min(size, payloadBytesMax))))
    return payload
  }
}
