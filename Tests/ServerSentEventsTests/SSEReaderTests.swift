import ServerSentEvents
import TestSupport
import Testing

@Suite struct SSEReaderTests {
  private func read(_ text: String) -> ReadStream { ReadStream(Array(text.utf8)) }

  private func data(_ text: String) -> [String?] {
    read(text).blocks.map { $0.data.map { String(decoding: $0, as: UTF8.self) } }
  }

  @Test(
    arguments: [
      ("data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"]),
      (
        ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
          + "data:  third event\n\n",
        [nil, "first event", "second event", " third event"]
      ),
      ("data\n\ndata\ndata\n\ndata:", ["", "\n"]),
      ("data:test\n\ndata: test\n\n", ["test", "test"]),
      ("data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n", ["1", "2", "3"]),
      ("\u{FEFF}data: 1\n\n\u{FEFF}data: 2\n\n", ["1", nil]),
      ("\u{FEFF}\u{FEFF}data: 1\n\n", [nil]),
      ("data:\n\n", [""]), ("data: \n\n", [""]), ("data:a:b\n\n", ["a:b"]), ("DATA: x\n\n", [nil]),
      (" data: x\n\n", [nil]), ("data : x\n\n", [nil]), ("\n\n", [nil, nil]), ("", []),
      ("data: x", []), ("data: x\n", []), ("data: a\nevent: e\ndata: b\n: c\ndata\n\n", ["a\nb\n"]),
      ("data: a\r\ndata: b\r\n\r\n", ["a\nb"]), ("data\u{2028}: x\ndata: \u{85}y\n\n", ["\u{85}y"]),
    ] as [(String, [String?])])
  func `data is what the standard says`(stream: String, expected: [String?]) {
    #expect(data(stream) == expected)
  }

  @Test func `type, id and retry are what the standard says`() {
    let stream = read(
      "event: add\nid: 1\nretry: 10\ndata: x\n\n" + "event:\nid\ndata\n\n"
        + "id: a\0b\nretry: 1s\nretry:\ndata\n\n" + "id: 2\n\n" + "event: a\nevent: b\ndata\n\n"
        + "id: never")
    #expect(stream.blocks.map(\.type) == ["add", "message", "message", "message", "b"])
    #expect(stream.blocks.map(\.id) == ["1", "", nil, "2", nil])
    #expect(stream.blocks.map(\.retry) == [10, nil, nil, nil, nil])
    #expect(stream.lastEventID == "2")
  }

  @Test func `a type is compared where it stands`() throws {
    var reader = SSEReader()
    let bytes = Array("event: ping\ndata\n\ndata\n\n".utf8)
    let events = try reader.feed(unsafe bytes.span.bytes)
    #expect(events[0].isType("ping"))
    #expect(!events[0].isType("pin"))
    #expect(!events[0].isType("message"))
    #expect(events[1].isType("message"))
    #expect(events.map(\.hasData) == [true, true])
  }

  @Test(arguments: ["\n", "\r", "\r\n"])
  func `an event comes with the last byte of its blank line and not before`(end: String) throws {
    var reader = SSEReader()
    for round in 0..<3 {
      let bytes = Array("data: \(round)\(end)\(end)".utf8)
      for index in bytes.indices {
        let events = try reader.feed(unsafe bytes.span.bytes.extracting(index..<(index + 1)))
        #expect(events.count == (index == bytes.count - 1 ? 1 : 0))
        if let event = events.first { #expect(event.raw == bytes) }
      }
      #expect(reader.unfinished.isEmpty)
    }
  }

  @Test func `however a stream is cut, the same comes out, and all of it`() {
    var random = SeededRandom("SSEReaderTests.cuts")
    for _ in 0..<2000 {
      let stream = random.eventStream()
      let whole = ReadStream(stream)
      let plain = ReadStream.plainly(stream)
      #expect(whole.blocks == plain.blocks, "\(stream)")
      #expect(whole.lastEventID == plain.lastEventID)
      #expect(whole.error == nil)
      #expect(Array(whole.raws.joined()) + whole.unfinished == stream)
      #expect(ReadStream(stream) { 1 } == whole, "\(stream)")
      for _ in 0..<4 {
        #expect(ReadStream(stream) { Int.random(in: 0...9, using: &random) } == whole, "\(stream)")
      }
    }
  }

  @Test func `limits are kept to the byte, with the same events before them however it is cut`() {
    var random = SeededRandom("SSEReaderTests.limits")
    var (lines, events, fine) = (0, 0, 0)
    for _ in 0..<3000 {
      let stream = random.eventStream()
      let limits = SSELimits(
        lineBytesMax: Int.random(in: 5...30, using: &random),
        eventBytesMax: Int.random(in: 5...60, using: &random))
      let whole = ReadStream(stream, limits: limits)
      switch whole.error {
      case .lineTooLong: lines += 1
      case .eventTooLarge: events += 1
      default: fine += 1
      }
      #expect(ReadStream(stream, limits: limits) { 1 } == whole, "\(stream) \(limits)")
      let cut = ReadStream(stream, limits: limits) { Int.random(in: 1...20, using: &random) }
      #expect(cut == whole, "\(stream) \(limits)")
      #expect(whole.raws.allSatisfy { $0.count <= limits.eventBytesMax })
    }
    #expect(min(lines, events, fine) > 100)
  }

  @Test func `a limit is broken by one byte`() {
    func error(_ text: String, line: Int, event: Int) -> SSEError? {
      ReadStream(
        Array(text.utf8), limits: SSELimits(lineBytesMax: line, eventBytesMax: event)
      ).error
    }
    #expect(error("data: 78\n\n", line: 8, event: 10) == nil)
    #expect(error("data: 78\n\n", line: 7, event: 10) == .lineTooLong(limit: 7))
    #expect(error("data: 78\n\n", line: 8, event: 9) == .eventTooLarge(limit: 9))
    #expect(error("data: 78", line: 7, event: 10) == .lineTooLong(limit: 7))
    #expect(error(": a\n: b\n: c\n", line: 8, event: 11) == .eventTooLarge(limit: 11))
    #expect(error("data\n\n", line: .max, event: .max) == nil)
  }

  @Test func `after a broken limit nothing is read`() throws {
    var reader = SSEReader(limits: SSELimits(lineBytesMax: 7))
    let bytes = Array("data: 1\n\ndata: 22\n\ndata: 3\n\n".utf8)
    #expect(try reader.feed(unsafe bytes.span.bytes).count == 1)
    for _ in 0..<2 {
      #expect(throws: SSEError.lineTooLong(limit: 7)) {
        try reader.feed(unsafe bytes.span.bytes)
      }
    }
    #expect(throws: SSEError.lineTooLong(limit: 7)) { try reader.finish() }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a line of megabytes that comes byte by byte is read once`() throws {
    var reader = SSEReader()
    let byte: [UInt8] = [UInt8(ascii: "x")]
    let head = Array("data: ".utf8)
    _ = try reader.feed(unsafe head.span.bytes)
    for _ in 0..<1_000_000 { _ = try reader.feed(unsafe byte.span.bytes) }
    let end: [UInt8] = [0x0A, 0x0A]
    #expect(try reader.feed(unsafe end.span.bytes).first?.data?.count == 1_000_000)
  }
}
