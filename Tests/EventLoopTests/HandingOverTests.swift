import EventLoop
import Glibc
import Testing

/// What libraries that read and write by themselves need of a loop.
@Suite(.timeLimit(.minutes(1))) struct HandingOverTests {
  @Test func `a listener hands bare descriptors over, and a poll says when they are ready`()
    async throws
  {
    let scratch = try Scratch()
    let path = scratch.path("bare.sock")
    try await withLoop { loop in
      let read = Shelf("")
      let peer = Shelf<PeerCredentials?>(nil)
      try await loop.perform {
        let listener = try Listener.unix(path: path, mode: 0o600, on: loop)
        try listener.startHandingOver(onDescriptor: { descriptor in
          peer.value = PeerCredentials(of: descriptor)
          #expect(SocketAddress(peerOf: descriptor) == nil)
          watch(descriptor, on: loop, into: read)
        })
      }
      try await loop.perform {
        _ = SocketStream.connect(to: .unix(path: path), on: loop, timeout: .seconds(20)) {
          unsafe try? $0.get().write([UInt8]("hello".utf8).span.bytes)
        }
      }
      try await eventually("the bytes are read") { read.value == "hello" }
      #expect(peer.value == .own)
    }
  }

  @Test func `work for the next turn lets timers and sockets go first`() async throws {
    try await withLoop { loop in
      let work = Rounds(on: loop)
      let counts = await withCheckedContinuation { continuation in
        loop.execute {
          loop.schedule(after: .milliseconds(5)) { work.stop() }
          work.onStop = { continuation.resume(returning: $0) }
          loop.atEndOfNextTurn(work)
        }
      }
      #expect(counts > 1)
    }
  }
}

/// Asks for another turn at the end of each, until it is stopped.
private final class Rounds: TurnEnding, @unchecked Sendable {
  // Sendable because it is only touched on its loop's thread.
  private let loop: EventLoop
  private var count = 0
  private var isStopped = false
  var onStop: ((Int) -> Void)?

  init(on loop: EventLoop) { self.loop = loop }

  func stop() {
    isStopped = true
    onStop?(count)
  }

  func turnEnded() {
    count += 1
    if !isStopped { loop.atEndOfNextTurn(self) }
  }
}

/// Reads once there is something, then closes the descriptor.
private func watch(_ descriptor: Int32, on loop: EventLoop, into read: Shelf<String>) {
  final class Holder { var poll: DescriptorPoll? }
  let holder = Holder()
  holder.poll = try? DescriptorPoll(
    descriptor, on: loop,
    onReady: { _ in
      var bytes = [UInt8](repeating: 0, count: 64)
      let count = unsafe Glibc.read(descriptor, &bytes, bytes.count)
      read.value = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
      holder.poll?.close()
      close(descriptor)
    }, onStop: {})
  holder.poll?.watch()
}
