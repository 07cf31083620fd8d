import EventLoop
import Faults
import Glibc
import MeshAddressing
import RPC
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct BackpressureTests {
  @Test func `a reader that stops stops the sender, and goes on where it was`() async throws {
    let sent = Atomic<Int>(0)
    let method = MethodDescriptor(
      service: "test.Flood", method: "Flood", kind: .serverStreaming, callers: ["*"])
    let loop = try EventLoop(name: "flood")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    let server = Server(
      loop: loop,
      services: [
        ServiceDefinition(
          ServiceDescriptor(name: "test.Flood", methods: [method], descriptorSet: { [] }),
          handlers: [
            .serverStreaming(method) {
              (request: RawMessage, responses: ResponseWriter<RawMessage>, _) in
              let block = RawMessage([UInt8](repeating: 7, count: 10_000))
              for _ in 0..<1000 {
                try await responses.send(block)
                sent.add(1, ordering: .relaxed)
              }
            }
          ])
      ], options: ServerOptions(callers: CallerTable(ownUID: getuid())))
    var options = ChannelOptions()
    options.connector = .inProcess(to: server)
    let channel = Channel(to: .unix(path: "/x"), on: loop, options: options)
    let stream: ResponseStream<RawMessage> = channel.serverStreaming(
      method, RawMessage("go"), options: CallOptions())
    _ = try await stream.next()
    // The window and both buffers fill, then nothing moves.
    var last = -1
    try await eventually("the sender's stop", on: loop) {
      try await loop.sleep(for: .milliseconds(100))
      let now = sent.load(ordering: .relaxed)
      defer { last = now }
      return now == last
    }
    #expect(last < 300, "10 KB each: window 256 KiB, buffers 256 KiB each")
    var count = 1
    for try await _ in stream { count += 1 }
    #expect(count == 1000)
  }
}
