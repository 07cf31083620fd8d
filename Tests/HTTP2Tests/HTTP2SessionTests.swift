import HTTP2
import Testing

/// Two sessions back to back, bytes carried by hand: no socket, no clock.
@Suite struct HTTP2SessionTests {
  /// Records what its session says, in the order it was said.
  final class Recorder: HTTP2SessionOwner {
    var session: HTTP2Session?
    var events: [String] = []
    var body: [Int32: [BodyFill]] = [:]
    var trailers = HeaderBlock()
    var closed: [Int32: HTTP2ErrorCode] = [:]

    init(_ side: HTTP2Session.Side, _ limits: HTTP2Limits = HTTP2Limits()) throws {
      session = try HTTP2Session(side: side, limits: limits, owner: self)
    }

    func receivedHeaders(
      _ headers: borrowing HeaderBlock, on stream: Int32, kind: HeaderKind, endsStream: Bool
    ) {
      var names: [String] = []
      headers.forEach { name, _ in
        names.append(unsafe name.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) })
      }
      let suffix = headers.overflowed ? " overflowed" : ""
      events.append("\(kind) \(stream) \(names.count)\(suffix)")
    }
    func receivedData(_ bytes: RawSpan, on stream: Int32) {
      events.append("data \(stream) \(bytes.byteCount)")
    }
    func receivedEnd(on stream: Int32) { events.append("end \(stream)") }
    func streamClosed(_ stream: Int32, code: HTTP2ErrorCode) { closed[stream] = code }
    func requestNotSent(_ stream: Int32) { events.append("not sent \(stream)") }
    func receivedSettings() { events.append("settings") }
    func receivedPingAcknowledgement(_ opaque: UInt64) { events.append("pong \(opaque)") }
    func receivedGoAway(lastStream: Int32, code: HTTP2ErrorCode, debug: String) {
      events.append("goaway \(lastStream) \(code.rawValue)")
    }
    func fillBody(of stream: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> BodyFill {
      guard var fills = body[stream], !fills.isEmpty else { return .notNow }
      let fill = fills.removeFirst()
      body[stream] = fills
      if case .endsWithTrailers = fill { try? session?.submitTrailers(trailers, on: stream) }
      return fill
    }
  }

  private func carry(_ from: Recorder, _ to: Recorder, at time: UInt64 = 1) throws {
    var bytes: [UInt8] = []
    try #require(from.session).appendOutgoing(to: &bytes, limit: 1 << 20)
    try #require(to.session).receive(unsafe bytes.span.bytes, at: time)
  }

  private func request(_ extra: [(String, String)] = []) -> HeaderBlock {
    var block = HeaderBlock()
    block.append(":method", "POST")
    block.append(":scheme", "http")
    block.append(":path", "/a/B")
    block.append(":authority", "x")
    for (name, value) in extra { block.append(name, value) }
    return block
  }

  @Test func `a request, its answer and trailers cross in order`() throws {
    let client = try Recorder(.client)
    let server = try Recorder(.server)
    let id = try #require(client.session).submitRequest(request(), hasBody: true)
    client.body[id] = [.ends(10)]
    try carry(client, server)
    #expect(server.events == ["settings", "request 1 4", "data 1 10", "end 1"])

    var head = HeaderBlock()
    head.append(":status", "200")
    server.trailers.append("grpc-status", "0")
    server.body[id] = [.bytes(7), .endsWithTrailers(0)]
    try #require(server.session).submitResponse(head, on: id, hasBody: true)
    try carry(server, client)
    #expect(
      client.events.filter { $0 != "settings" } == [
        "response 1 1", "data 1 7", "trailers 1 1", "end 1",
      ])
    #expect(client.closed[id] == .noError)
  }

  @Test func `headers past the limit are cut and said to be`() throws {
    var limits = HTTP2Limits()
    limits.headerListBytesMax = 400
    let client = try Recorder(.client)
    let server = try Recorder(.server, limits)
    let big = String(repeating: "v", count: 500)
    _ = try #require(client.session).submitRequest(request([("x", big)]), hasBody: false)
    try carry(client, server)
    #expect(server.events.contains("request 1 4 overflowed"))
  }

  @Test func `a peer that aborts too many streams is sent away`() throws {
    var limits = HTTP2Limits()
    limits.resetsBurst = 20
    limits.resetsPerSecond = 1
    let client = try Recorder(.client)
    let server = try Recorder(.server, limits)
    let session = try #require(client.session)
    for _ in 0..<30 {
      let id = try session.submitRequest(request(), hasBody: true)
      try carry(client, server)
      session.reset(id, .cancel)
      try carry(client, server)
    }
    #expect(server.session?.lastError?.hasPrefix("resets") == true)
    try carry(server, client)
    #expect(client.events.contains { $0.hasPrefix("goaway") && $0.hasSuffix(" 11") })
  }

  @Test func `bytes that are no HTTP2 end the session without a trap`() throws {
    let server = try Recorder(.server)
    let bytes = Array("GET / HTTP/1.1\r\n\r\n".utf8)
    #expect(throws: HTTP2Error.self) {
      try #require(server.session).receive(unsafe bytes.span.bytes, at: 1)
    }
  }

  @Test func `streams above a GOAWAY are reported as refused`() throws {
    let client = try Recorder(.client)
    let server = try Recorder(.server)
    let session = try #require(client.session)
    let first = try session.submitRequest(request(), hasBody: true)
    try carry(client, server)
    try #require(server.session).goAway(.noError)
    let second = try session.submitRequest(request(), hasBody: true)
    try carry(server, client)
    #expect(client.events.contains("goaway \(first) 0"))
    // Never sent, or sent and refused: either way the peer has not run it.
    try carry(client, server)
    #expect(client.closed[second] != nil || client.events.contains("not sent \(second)"))
  }

  @Test func `the reset budget refills with time`() {
    var budget = ResetBudget(burst: 2, perSecond: 1)
    let taken = [0, 0, 500_000_000, 1_600_000_000].map { budget.take(at: $0) }
    #expect(taken == [true, true, false, true])
  }

  @Test func `a header block says since when it is not whole`() throws {
    let client = try Recorder(.client)
    let server = try Recorder(.server)
    try carry(client, server)
    let session = try #require(server.session)
    #expect(session.blockBeganAt == nil)
    // HEADERS of stream 1 without END_HEADERS: `:method: POST`, and no more for the time being.
    let begins: [UInt8] = [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x83]
    try session.receive(unsafe begins.span.bytes, at: 7)
    #expect(session.blockBeganAt == 7)
    // CONTINUATION frames: `:scheme: http`, `:path: /`, `:authority: x`, and then the end.
    let goesOn: [UInt8] = [0, 0, 5, 9, 0, 0, 0, 0, 1, 0x86, 0x84, 1, 1, 0x78]
    try session.receive(unsafe goesOn.span.bytes, at: 9)
    #expect(session.blockBeganAt == 7)
    let ends: [UInt8] = [0, 0, 0, 9, 4, 0, 0, 0, 1]
    try session.receive(unsafe ends.span.bytes, at: 12)
    #expect(session.blockBeganAt == nil)
    #expect(server.events.last == "request 1 4")
  }
}
