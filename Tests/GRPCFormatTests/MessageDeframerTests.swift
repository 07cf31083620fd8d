import GRPCFormat
import Testing

@Suite struct MessageDeframerTests {
  private func frame(_ payload: [UInt8], compressed: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    let start = MessagePrefix.reserve(in: &bytes)
    bytes.append(contentsOf: payload)
    MessagePrefix.fill(&bytes, at: start, compressed: compressed)
    return bytes
  }

  private func feed(
    _ deframer: inout MessageDeframer, _ bytes: [UInt8]
  ) throws -> [[UInt8]] {
    var out: [[UInt8]] = []
    try deframer.receive(unsafe bytes.span.bytes) { message, _ in
      out.append([UInt8](copying: message))
    }
    return out
  }

  @Test func `messages come out whole however the bytes are cut`() throws {
    let messages: [[UInt8]] = [[], [1], Array(0..<200), [], Array(repeating: 7, count: 3000)]
    let wire = messages.flatMap { frame($0) }
    for size in [1, 2, 3, 4, 5, 6, 7, 64, 1000, wire.count] {
      var deframer = MessageDeframer(messageBytesMax: 4096)
      var out: [[UInt8]] = []
      var offset = 0
      while offset < wire.count {
        let end = min(offset + size, wire.count)
        out += try feed(&deframer, Array(wire[offset..<end]))
        offset = end
      }
      #expect(out == messages, "cut every \(size) bytes")
      #expect(deframer.isBetweenMessages)
      #expect(deframer.heldBytes == 0)
    }
  }

  @Test func `an announced length above the limit is refused before a byte of it came`() {
    var deframer = MessageDeframer(messageBytesMax: 100)
    #expect(throws: MessageDeframer.Problem.messageTooLarge(announced: 101, limit: 100)) {
      _ = try feed(&deframer, [0, 0, 0, 0, 101])
    }
    var other = MessageDeframer(messageBytesMax: 100)
    #expect(throws: MessageDeframer.Problem.messageTooLarge(announced: 0xffff_ffff, limit: 100)) {
      _ = try feed(&other, [0, 0xff, 0xff])
      _ = try feed(&other, [0xff, 0xff])
    }
  }

  @Test func `a flag that is neither 0 nor 1 is refused`() {
    var deframer = MessageDeframer(messageBytesMax: 100)
    #expect(throws: MessageDeframer.Problem.badFlag(2)) {
      _ = try feed(&deframer, [2, 0, 0, 0, 0])
    }
  }

  @Test func `the flag of a compressed message is passed on`() throws {
    var deframer = MessageDeframer(messageBytesMax: 100)
    var flags: [Bool] = []
    let wire = frame([1, 2]) + frame([3], compressed: true)
    try deframer.receive(unsafe wire.span.bytes) { _, isCompressed in flags.append(isCompressed) }
    #expect(flags == [false, true])
  }

  @Test func `a stream cut inside a message says so`() throws {
    for count in 1..<9 {
      var deframer = MessageDeframer(messageBytesMax: 100)
      _ = try feed(&deframer, Array(frame([1, 2, 3, 4]).prefix(count)))
      #expect(!deframer.isBetweenMessages)
      #expect(deframer.heldBytes == count)
    }
  }
}
