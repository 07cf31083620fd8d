import EventLoop
import Faults
import GRPCFormat
import RPC
import TestingContract

/// gRPC's core interop cases from the client's side; each throws what it did not find.
struct InteropCases: Sendable {
  let client: TestServiceClient
  let unimplemented: UnimplementedServiceClient
  let loop: EventLoop

  /// What a case expected and did not get.
  struct Failure: Error { let what: String }

  typealias Case = @Sendable (InteropCases) async throws -> Void

  static let all: [(name: String, run: Case)] = [
    ("empty_unary", { try await $0.emptyUnary() }),
    ("large_unary", { try await $0.largeUnary() }),
    ("client_compressed_unary", { try await $0.clientCompressedUnary() }),
    ("server_compressed_unary", { try await $0.serverCompressedUnary() }),
    ("client_streaming", { try await $0.clientStreaming() }),
    ("client_compressed_streaming", { try await $0.clientCompressedStreaming() }),
    ("server_streaming", { try await $0.serverStreaming() }),
    ("server_compressed_streaming", { try await $0.serverCompressedStreaming() }),
    ("ping_pong", { try await $0.pingPong() }),
    ("empty_stream", { try await $0.emptyStream() }),
    ("custom_metadata", { try await $0.customMetadata() }),
    ("status_code_and_message", { try await $0.statusCodeAndMessage() }),
    ("special_status_message", { try await $0.specialStatusMessage() }),
    ("unimplemented_method", { try await $0.unimplementedMethod() }),
    ("unimplemented_service", { try await $0.unimplementedService() }),
    ("cancel_after_begin", { try await $0.cancelAfterBegin() }),
    ("cancel_after_first_response", { try await $0.cancelAfterFirstResponse() }),
    ("timeout_on_sleeping_server", { try await $0.timeoutOnSleepingServer() }),
  ]

  // MARK: Unary

  private func emptyUnary() async throws {
    try expect(try await client.emptyCall(TestingEmpty()) == TestingEmpty(), "an empty message")
  }

  func largeUnary() async throws {
    let response = try await client.unaryCall(InteropCases.large())
    try expectZeros(response.payload, 314_159)
  }

  private func clientCompressedUnary() async throws {
    // The probe says "compressed" and is not: the server must notice.
    var request = InteropCases.large()
    request.expectCompressed = boolean(true)
    try await expectFault(.invalidArgument) { _ = try await client.unaryCall(request) }
    var options = CallOptions()
    options.isCompressed = true
    try expectZeros(try await client.unaryCall(request, options: options).payload, 314_159)
    request.expectCompressed = boolean(false)
    try expectZeros(try await client.unaryCall(request).payload, 314_159)
  }

  private func serverCompressedUnary() async throws {
    for compressed in [true, false] {
      var request = InteropCases.large()
      request.responseCompressed = boolean(compressed)
      try expectZeros(try await client.unaryCall(request).payload, 314_159)
    }
  }

  // MARK: Streams

  private func clientStreaming() async throws {
    let call = client.streamingInputCall()
    for size in [27182, 8, 1828, 45904] {
      var request = StreamingInputCallRequest()
      request.payload = zeros(size)
      try await call.send(request)
    }
    try expect(try await call.finish().aggregatedPayloadSize == 74922, "a sum of 74922")
  }

  private func clientCompressedStreaming() async throws {
    let probe = client.streamingInputCall()
    var request = StreamingInputCallRequest()
    request.expectCompressed = boolean(true)
    request.payload = zeros(27182)
    try await probe.send(request)
    try await expectFault(.invalidArgument) { _ = try await probe.finish() }

    var options = CallOptions()
    options.isCompressed = true
    let call = client.streamingInputCall(options: options)
    try await call.send(request, isCompressed: true)
    request.expectCompressed = boolean(false)
    request.payload = zeros(45904)
    try await call.send(request, isCompressed: false)
    try expect(try await call.finish().aggregatedPayloadSize == 73086, "a sum of 73086")
  }

  private func serverStreaming() async throws {
    let sizes: [Int32] = [31415, 9, 2653, 58979]
    let responses = client.streamingOutputCall(output(sizes))
    for size in sizes {
      try expectZeros(try await responses.next()?.payload, Int(size))
    }
    try expect(try await responses.next() == nil, "the end of the stream")
  }

  private func serverCompressedStreaming() async throws {
    var request = output([31415, 92653])
    request.responseParameters[0].compressed = boolean(true)
    request.responseParameters[1].compressed = boolean(false)
    let responses = client.streamingOutputCall(request)
    try expectZeros(try await responses.next()?.payload, 31415)
    try expect(responses.wasLastCompressed, "a compressed message")
    try expectZeros(try await responses.next()?.payload, 92653)
    try expect(!responses.wasLastCompressed, "a plain message")
    try expect(try await responses.next() == nil, "the end of the stream")
  }

  private func pingPong() async throws {
    let call = client.fullDuplexCall()
    for (size, payload) in zip([31415, 9, 2653, 58979] as [Int32], [27182, 8, 1828, 45904]) {
      var request = output([size])
      request.payload = zeros(payload)
      try await call.send(request)
      try expectZeros(try await call.responses.next()?.payload, Int(size))
    }
    call.finishSending()
    try expect(try await call.responses.next() == nil, "the end of the stream")
  }

  private func emptyStream() async throws {
    let call = client.fullDuplexCall()
    call.finishSending()
    try expect(try await call.responses.next() == nil, "the end of the stream")
  }
}

// MARK: - Metadata, status, cancellation

extension InteropCases {
  private func customMetadata() async throws {
    var options = CallOptions()
    options.metadata.add("x-grpc-test-echo-initial", "test_initial_metadata_value")
    options.metadata.add(binary: "x-grpc-test-echo-trailing-bin", [0xab, 0xab, 0xab])
    let reply: Reply<SimpleResponse> = try await client.channel.unaryReply(
      TestServiceMethods.unaryCall, InteropCases.large(), options: options)
    try expectEchoes(reply.initialMetadata, reply.trailingMetadata)

    let call = client.fullDuplexCall(options: options)
    try await call.send(output([314_159]))
    call.finishSending()
    try expectZeros(try await call.responses.next()?.payload, 314_159)
    try expect(try await call.responses.next() == nil, "the end of the stream")
    try expectEchoes(
      await call.responses.initialMetadata(), call.responses.trailingMetadata)
  }

  private func expectEchoes(_ initial: Metadata, _ trailing: Metadata) throws {
    try expect(
      initial["x-grpc-test-echo-initial"] == "test_initial_metadata_value", "initial metadata")
    try expect(
      trailing.bytes("x-grpc-test-echo-trailing-bin") == [0xab, 0xab, 0xab], "trailing metadata")
  }

  private func statusCodeAndMessage() async throws {
    try await expectStatus(2, "test status message", streams: true)
  }

  private func specialStatusMessage() async throws {
    try await expectStatus(
      2, "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n", streams: false)
  }

  private func expectStatus(_ code: Int32, _ message: String, streams: Bool) async throws {
    var status = EchoStatus()
    status.code = code
    status.message = message
    var request = SimpleRequest()
    request.responseStatus = status
    let fault = try await expectFault(.unknown) { _ = try await client.unaryCall(request) }
    try expect(fault.message == message, "the message '\(message)'")
    guard streams else { return }
    let call = client.fullDuplexCall()
    var streamed = StreamingOutputCallRequest()
    streamed.responseStatus = status
    try await call.send(streamed)
    call.finishSending()
    let other = try await expectFault(.unknown) {
      while try await call.responses.next() != nil {}
    }
    try expect(other.message == message, "the message '\(message)'")
  }

  private func unimplementedMethod() async throws {
    try await expectFault(.unimplemented) {
      _ = try await client.unimplementedCall(TestingEmpty())
    }
  }

  private func unimplementedService() async throws {
    try await expectFault(.unimplemented) {
      _ = try await unimplemented.unimplementedCall(TestingEmpty())
    }
  }

  private func cancelAfterBegin() async throws {
    let call = client.streamingInputCall()
    call.cancel()
    try await expectFault(.cancelled) { _ = try await call.finish() }
  }

  private func cancelAfterFirstResponse() async throws {
    let call = client.fullDuplexCall()
    var request = output([31415])
    request.payload = zeros(27182)
    try await call.send(request)
    try expectZeros(try await call.responses.next()?.payload, 31415)
    call.cancel()
    try await expectFault(.cancelled) { _ = try await call.responses.next() }
  }

  private func timeoutOnSleepingServer() async throws {
    let call = client.fullDuplexCall(options: CallOptions(timeout: .milliseconds(1)))
    var request = output([])
    request.payload = zeros(27182)
    // The deadline may pass while this is sent.
    try? await call.send(request)
    try await expectFault(.deadlineExceeded) {
      while try await call.responses.next() != nil {}
    }
  }
}

// MARK: - Values and expectations

extension InteropCases {
  static func large() -> SimpleRequest {
    var request = SimpleRequest()
    request.responseSize = 314_159
    var payload = Payload()
    payload.body = [UInt8](repeating: 0, count: 271_828)
    request.payload = payload
    return request
  }

  private func zeros(_ size: Int) -> Payload {
    var payload = Payload()
    payload.body = [UInt8](repeating: 0, count: size)
    return payload
  }

  private func boolean(_ value: Bool) -> BoolValue {
    var boxed = BoolValue()
    boxed.value = value
    return boxed
  }

  private func output(_ sizes: [Int32]) -> StreamingOutputCallRequest {
    var request = StreamingOutputCallRequest()
    request.responseParameters = sizes.map { size in
      var parameters = ResponseParameters()
      parameters.size = size
      return parameters
    }
    return request
  }

  private func expect(_ holds: Bool, _ what: String) throws {
    if !holds { throw Failure(what: "expected \(what)") }
  }

  private func expectZeros(_ payload: Payload?, _ size: Int) throws {
    guard let payload else { throw Failure(what: "no payload of \(size)") }
    try expect(payload.body.count == size, "\(size) bytes, not \(payload.body.count)")
    try expect(payload.body.allSatisfy { $0 == 0 }, "zero bytes")
  }

  @discardableResult
  private func expectFault(
    _ code: Fault.Code, _ body: () async throws -> Void
  ) async throws -> Fault {
    do {
      try await body()
    } catch let fault as Fault {
      try expect(fault.code == code, "\(code.name), not \(fault)")
      return fault
    }
    throw Failure(what: "expected \(code.name), not success")
  }
}
