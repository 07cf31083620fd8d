import EventLoop
import Faults
import RPC
import Testing

@Suite(.timeLimit(.minutes(1))) struct DeadlineAndCancelTests {
  @Test func `a deadline ends the call here and its handler there`() async throws {
    let mesh = try TestMesh()
    defer { mesh.stop() }
    let channel = mesh.channel()
    let fault = await #expect(throws: Fault.self) {
      let _: RawMessage = try await channel.unary(
        TestMethods.stuck, RawMessage("x"), options: CallOptions(timeout: .milliseconds(50)))
    }
    #expect(fault?.code == .deadlineExceeded)
    try await eventually("the handler's end", on: mesh.clientLoop) {
      mesh.witness.cancelled == 1
    }
  }

  @Test func `cancelling the caller's task cancels the handler`() async throws {
    let mesh = try TestMesh()
    defer { mesh.stop() }
    let channel = mesh.channel()
    let task = Task {
      let _: RawMessage = try await channel.unary(
        TestMethods.stuck, RawMessage("x"), options: CallOptions())
    }
    try await eventually("the handler's start", on: mesh.clientLoop) { mesh.witness.calls == 1 }
    task.cancel()
    let fault = await #expect(throws: Fault.self) { try await task.value }
    #expect(fault?.code == .cancelled)
    try await eventually("the handler's end", on: mesh.clientLoop) {
      mesh.witness.cancelled == 1
    }
  }

  @Test func `letting go of a response stream cancels the call`() async throws {
    let mesh = try TestMesh()
    defer { mesh.stop() }
    let channel = mesh.channel()
    do {
      let stream: ResponseStream<RawMessage> = channel.serverStreaming(
        TestMethods.count, RawMessage("100000000"), options: CallOptions())
      #expect(try await stream.next()?.text == "0")
    }
    try await eventually("the call's end", on: mesh.clientLoop) {
      await mesh.server.activeCalls() == 0
    }
  }

  @Test func `a deadline in the past is not sent at all`() async throws {
    let mesh = try TestMesh()
    defer { mesh.stop() }
    let channel = mesh.channel()
    let fault = await #expect(throws: Fault.self) {
      let _: RawMessage = try await channel.unary(
        TestMethods.echo, RawMessage("x"), options: CallOptions(timeout: .zero))
    }
    #expect(fault?.code == .deadlineExceeded)
    #expect(mesh.witness.calls == 0)
  }
}
