import ServerSentEvents
import TestSupport
import Testing

@Suite struct SSEWriterTests {
  private func written(_ write: (inout SSEWriter) throws -> Void) rethrows -> String {
    var writer = SSEWriter()
    try write(&writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test func `events look as the standard shows them`() throws {
    let text = try written { writer in
      writer.retry(milliseconds: 3000)
      try writer.event("{}", type: "add", id: "7")
      writer.comment("")
      try writer.event("a\nb\r\nc\rd\n")
      writer.comment("two\nlines")
      try writer.event("")
    }
    #expect(
      text == "retry: 3000\n\nevent: add\nid: 7\ndata: {}\n\n: \n\n"
        + "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n: two\n: lines\n\ndata: \n\n")
  }

  @Test func `what cannot stand in a line is refused and nothing is written`() {
    for (type, id) in [("a\nb", "1"), ("a\r", "1"), ("a", "\n"), ("a", "1\r"), ("a", "\0")] {
      var writer = SSEWriter(appendingTo: [1])
      #expect(throws: SSEError.unwritable) { try writer.event("x", type: type, id: id) }
      #expect(writer.bytes == [1])
    }
  }

  @Test func `what is written is read again`() throws {
    var random = SeededRandom("SSEWriterTests")
    let alphabet = Array("data:id\n\r {}é\0".utf8)
    for _ in 0..<500 {
      var writer = SSEWriter()
      var expected: [PlainBlock] = []
      for _ in 0..<Int.random(in: 0...5, using: &random) {
        let text = String(decoding: random.bytes(countMax: 20, from: alphabet), as: UTF8.self)
        let id = Bool.random(using: &random) ? "\(Int.random(in: 0...9, using: &random))" : nil
        let type = Bool.random(using: &random) ? "ping" : nil
        try writer.event(text, type: type, id: id)
        var block = PlainBlock()
        // A line feed comes back for each kind of line end.
        let ends = Array(text.utf8).split(separator: [13, 10], omittingEmptySubsequences: false)
        block.data = Array(ends.joined(separator: [10])).map { $0 == 13 ? 10 : $0 }
        (block.type, block.id) = (type ?? "message", id)
        expected.append(block)
      }
      #expect(ReadStream(writer.bytes).blocks == expected)
    }
  }

  @Test func `blocks that are passed on are the stream they came in`() throws {
    var random = SeededRandom("SSEWriterTests.pass")
    for _ in 0..<200 {
      let stream = random.eventStream()
      var reader = SSEReader()
      var writer = SSEWriter()
      for event in try reader.feed(unsafe stream.span.bytes) { writer.pass(event) }
      for event in try reader.finish() { writer.pass(event) }
      #expect(writer.bytes + reader.unfinished == stream)
    }
  }
}
