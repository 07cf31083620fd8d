import EventLoop
import Faults
import GRPCFormat
import RPC
import Testing

/// All four kinds of call over in-process streams: real frames, no kernel.
@Suite(.timeLimit(.minutes(1))) struct InProcessCallTests {
  private func with(
    _ mesh: TestMesh, _ body: @Sendable (Channel) async throws -> Void
  ) async throws {
    defer { mesh.stop() }
    try await body(mesh.channel())
  }

  private func echo(
    _ channel: Channel, _ message: RawMessage, _ options: CallOptions = CallOptions()
  ) async throws -> RawMessage {
    try await channel.unary(TestMethods.echo, message, options: options)
  }

  @Test func `a unary call answers`() async throws {
    try await with(TestMesh()) { channel in
      let hello = try await echo(channel, "hello")
      #expect(hello.text == "hello")
      let empty = try await echo(channel, "")
      #expect(empty.bytes.isEmpty)
    }
  }

  @Test func `a message far above a frame and a window crosses whole`() async throws {
    try await with(TestMesh()) { channel in
      let big = RawMessage((0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
      let answer = try await echo(channel, big)
      #expect(answer == big)
    }
  }

  @Test func `a thousand calls at once all get their own answer`() async throws {
    try await with(TestMesh()) { channel in
      let answers = try await withThrowingTaskGroup(of: (Int, String).self) { group in
        for index in 0..<1000 {
          group.addTask {
            let answer: RawMessage = try await channel.unary(
              TestMethods.echo, RawMessage("n\(index)"), options: CallOptions())
            return (index, answer.text)
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answers.count == 1000)
      #expect(answers.allSatisfy { $0.1 == "n\($0.0)" })
    }
  }

  @Test func `a fault crosses with everything that is for the caller`() async throws {
    try await with(TestMesh()) { channel in
      let fault = await #expect(throws: Fault.self) { _ = try await echo(channel, "fault") }
      #expect(fault?.code == .failedPrecondition)
      #expect(fault?.reason == "TEST")
      #expect(fault?.message == "No.")
      #expect(fault?.retryAfter == .seconds(3))
      #expect(fault?.hint == "Ask again.")
      #expect(fault?.facts["limit"] == "x")
      #expect(fault?.violations == [.init(field: "a.b", description: "bad")])
    }
  }

  @Test func `an unknown error crosses without its detail, which is reported here`() async throws {
    let mesh = try TestMesh()
    let witness = mesh.witness
    try await with(mesh) { channel in
      let fault = await #expect(throws: Fault.self) {
        _ = try await echo(channel, "unknown error")
      }
      #expect(fault?.code == .internal)
      #expect(fault?.message.contains("Private") == false)
      try await eventually("the report", on: mesh.clientLoop) {
        witness.events.contains { $0.detail.contains("Private") }
      }
    }
  }

  @Test func `metadata crosses both ways, binary values too`() async throws {
    try await with(TestMesh()) { channel in
      var options = CallOptions()
      options.metadata.add("x-text", "one")
      options.metadata.add(binary: "x-bytes-bin", [0, 255, 10])
      let reply: Reply<RawMessage> = try await channel.unaryReply(
        TestMethods.echo, RawMessage("metadata"), options: options)
      for metadata in [reply.initialMetadata, reply.trailingMetadata] {
        #expect(metadata["x-text"] == "one")
        #expect(metadata.bytes("x-bytes-bin") == [0, 255, 10])
      }
    }
  }

  @Test func `a server stream arrives in order and ends`() async throws {
    try await with(TestMesh()) { channel in
      let stream: ResponseStream<RawMessage> = channel.serverStreaming(
        TestMethods.count, RawMessage("20000"), options: CallOptions())
      var expected = 0
      for try await message in stream {
        #expect(message.text == String(expected))
        expected += 1
      }
      #expect(expected == 20_000)
    }
  }

  @Test func `a client stream is joined`() async throws {
    try await with(TestMesh()) { channel in
      let call: ClientStreamingCall<RawMessage, RawMessage> = channel.clientStreaming(
        TestMethods.join, options: CallOptions())
      for index in 0..<3000 { try await call.send(RawMessage("\(index),")) }
      let joined = try await call.finish().text
      #expect(joined == (0..<3000).map { "\($0)," }.joined())
    }
  }

  @Test func `a chat goes both ways in turn`() async throws {
    try await with(TestMesh()) { channel in
      let call: BidirectionalCall<RawMessage, RawMessage> = channel.bidirectional(
        TestMethods.chat, options: CallOptions())
      for index in 0..<200 {
        try await call.send(RawMessage("\(index)"))
        let answer = try await call.responses.next()
        #expect(answer?.text == "\(index)")
      }
      call.finishSending()
      let end = try await call.responses.next()
      #expect(end == nil)
    }
  }

  @Test func `an unknown method and an unknown service are UNIMPLEMENTED`() async throws {
    try await with(TestMesh()) { channel in
      for (service, reason) in [("test.Echo", "UNKNOWN_METHOD"), ("no.Such", "UNKNOWN_SERVICE")] {
        let method = MethodDescriptor(service: service, method: "Nope", kind: .unary)
        let fault = await #expect(throws: Fault.self) {
          let _: RawMessage = try await channel.unary(
            method, RawMessage("x"), options: CallOptions())
        }
        #expect(fault?.code == .unimplemented)
        #expect(fault?.reason == reason)
      }
    }
  }

  @Test func `compressed requests are read, and broken ones refused`() async throws {
    try await with(TestMesh()) { channel in
      var options = CallOptions()
      options.isCompressed = true
      let text = String(repeating: "abc", count: 1000)
      let answer = try await echo(channel, RawMessage(text), options)
      #expect(answer.text == text)
    }
  }
}
