import EventLoop
import Glibc
import Testing

/// What holds for every kind of stream.
@Suite(.timeLimit(.minutes(1))) struct ByteStreamTests {
  @Test(arguments: Wire.allCases) func `bytes arrive in order, both ways`(_ wire: Wire) async throws
  {
    let scratch = try Scratch()
    try await withLoop { loop in
      let connection = try await loop.connection(over: wire, scratch: scratch)
      let sent = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
      try await loop.perform {
        for start in stride(from: 0, to: sent.count, by: 1000) {
          connection.value.near.write(Array(sent[start..<start + 1000]))
        }
        connection.value.far.write("hello")
      }
      try await loop.wait("all arrived") {
        connection.value.farOwner.byteCount == sent.count
          && connection.value.nearOwner.byteCount == 5
      }
      #expect(try await loop.perform { connection.value.farOwner.bytes } == sent)
      #expect(try await loop.perform { connection.value.nearOwner.bytes } == Array("hello".utf8))
    }
  }

  @Test(arguments: Wire.allCases)
  func `a slow reader makes the queue grow, and reading on drains it`(_ wire: Wire) async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      let connection = try await loop.connection(over: wire, scratch: scratch)
      let chunk = [UInt8](repeating: 7, count: 1 << 20)
      try await loop.perform {
        connection.value.far.pauseReading()
        for _ in 0..<24 { connection.value.near.write(chunk) }
      }
      // Long enough for anything that reads in spite of the pause.
      try await loop.sleep(for: .milliseconds(100))
      let (queued, read, drained) = try await loop.perform {
        (
          connection.value.near.queuedByteCount, connection.value.farOwner.byteCount,
          connection.value.nearOwner.drainedCount
        )
      }
      #expect(queued > 8 << 20)
      #expect(read == 0)
      #expect(drained == 0)
      try await loop.perform { connection.value.far.resumeReading() }
      try await loop.wait("all arrived") { connection.value.farOwner.byteCount == 24 << 20 }
      try await loop.wait("drained") { connection.value.nearOwner.drainedCount == 1 }
      #expect(try await loop.perform { connection.value.near.queuedByteCount } == 0)
    }
  }

  @Test(arguments: Wire.allCases)
  func `a half-closed stream delivers its queue, then its end, and still reads`(
    _ wire: Wire
  ) async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      let connection = try await loop.connection(over: wire, scratch: scratch)
      let count = 4 << 20
      try await loop.perform {
        let far = connection.value.far
        connection.value.farOwner.onEnded = { far.write("answer") }
        // The second waits behind the first, which is in the kernel's hands.
        for _ in 0..<2 { connection.value.near.write([UInt8](repeating: 1, count: count / 2)) }
        connection.value.near.finishWriting()
        connection.value.near.write("dropped")
      }
      try await loop.wait("the end arrived") { connection.value.farOwner.hasEnded }
      #expect(try await loop.perform { connection.value.farOwner.byteCount } == count)
      try await loop.wait("the answer arrived") { connection.value.nearOwner.byteCount == 6 }
      let closed = try await loop.perform { connection.value.nearOwner.closedCount }
      #expect(closed == 0)
    }
  }

  @Test(arguments: Wire.allCases)
  func `close tells each owner once, the closer never within the call`(_ wire: Wire) async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      let connection = try await loop.connection(over: wire, scratch: scratch)
      let within = try await loop.perform {
        connection.value.near.write("last words")
        connection.value.near.close()
        connection.value.near.close()
        connection.value.near.write("dropped")
        return connection.value.nearOwner.closedCount
      }
      #expect(within == 0)
      try await loop.wait("both ends know") {
        connection.value.nearOwner.closedCount == 1 && connection.value.farOwner.hasEnded
      }
      let (bytes, error) = try await loop.perform {
        (connection.value.farOwner.bytes, connection.value.nearOwner.error)
      }
      #expect(bytes == Array("last words".utf8))
      #expect(error == nil)
      try await loop.perform {
        connection.value.far.close()
        connection.value.far.pauseReading()
        connection.value.far.resumeReading()
        connection.value.far.finishWriting()
      }
      try await loop.wait("the far end is closed") { connection.value.farOwner.closedCount == 1 }
      #expect(try await loop.perform { connection.value.nearOwner.closedCount } == 1)
    }
  }

  @Test(arguments: [Wire.unix, .memory])
  func `writing to a peer that is gone fails, after its last words were read`(
    _ wire: Wire
  ) async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      let connection = try await loop.connection(over: wire, scratch: scratch)
      try await loop.perform {
        connection.value.near.pauseReading()
        connection.value.far.write("goodbye")
        connection.value.far.close()
      }
      try await loop.wait("the far end is closed") { connection.value.farOwner.closedCount == 1 }
      // Again and again: a child that another test has just forked may hold the far end until
      // its exec closes it, and bytes are lost as long.
      try await loop.wait("the error arrived") {
        let before = connection.value.nearOwner.closedCount
        connection.value.near.write("anyone?")
        #expect(connection.value.nearOwner.closedCount == before)
        return before == 1
      }
      let (bytes, error) = try await loop.perform {
        (connection.value.nearOwner.bytes, connection.value.nearOwner.error)
      }
      #expect(bytes == Array("goodbye".utf8))
      #expect(error?.code == .brokenPipe)
    }
  }

  @Test(arguments: Wire.allCases)
  func `a queue beyond its limit closes the stream`(_ wire: Wire) async throws {
    let scratch = try Scratch()
    try await withLoop(limits: EventLoopLimits(writeQueueBytesMax: 1 << 20)) { loop in
      let connection = try await loop.connection(over: wire, scratch: scratch)
      try await loop.perform {
        connection.value.far.pauseReading()
        for _ in 0..<64 { connection.value.near.write([UInt8](repeating: 0, count: 256 << 10)) }
      }
      try await loop.wait("closed") { connection.value.nearOwner.closedCount == 1 }
      #expect(try await loop.perform { connection.value.nearOwner.error?.code } == .writeQueueFull)
    }
  }

  @Test(arguments: Wire.allCases)
  func `an owner may close within any call it gets`(_ wire: Wire) async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      let connection = try await loop.connection(over: wire, scratch: scratch)
      try await loop.perform {
        let far = connection.value.far
        connection.value.farOwner.onRead = { _ in far.close() }
        connection.value.near.write([UInt8](repeating: 3, count: 1 << 20))
      }
      try await loop.wait("closed") { connection.value.farOwner.closedCount == 1 }
      #expect(try await loop.perform { connection.value.farOwner.byteCount } <= 256 << 10)
    }
  }

  @Test func `a pair across two loops moves bytes and its end`() async throws {
    try await withLoop("a") { a in
      try await withLoop("b") { b in
        let (near, far) = MemoryStream.pair(a, b)
        let (nearOwner, farOwner) = (OnLoop(Recorder()), OnLoop(Recorder()))
        let count = 3 << 20
        try await b.perform {
          farOwner.value.onRead = { bytes in far.write(bytes) }
          farOwner.value.keepsBytes = false
          farOwner.value.onEnded = { far.finishWriting() }
          far.start(farOwner.value)
        }
        try await a.perform {
          near.start(nearOwner.value)
          for number in 0..<3072 {
            near.write([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 1024))
          }
          near.finishWriting()
        }
        try await a.wait("the echo ended") { nearOwner.value.hasEnded }
        let echoed = try await a.perform { nearOwner.value.bytes }
        #expect(echoed.count == count)
        #expect(
          (0..<3072).allSatisfy { echoed[$0 * 1024 + 5] == UInt8(truncatingIfNeeded: $0) })
      }
    }
  }
}
