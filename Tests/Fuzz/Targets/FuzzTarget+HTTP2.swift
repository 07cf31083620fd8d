import HTTP2

extension FuzzTarget {
  func fuzzHTTP2Server(_ input: RawSpan) throws(FuzzFinding) {
    try fuzzHTTP2(input, side: .server)
  }

  func fuzzHTTP2Client(_ input: RawSpan) throws(FuzzFinding) {
    try fuzzHTTP2(input, side: .client)
  }

  /// Feeds a session what its peer might send, and takes what it answers.
  ///
  /// The first byte says how the rest is cut; on a server the client's preface is put before it.
  private func fuzzHTTP2(_ input: RawSpan, side: HTTP2Session.Side) throws(FuzzFinding) {
    guard let choice = input.firstByte else { return }
    let peer = HTTP2Peer()
    do {
      let session = try HTTP2Session(side: side, limits: HTTP2Limits(), owner: peer)
      peer.session = session
      if side == .client {
        try peer.request()
        try peer.request()
      } else {
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        try session.receive(unsafe preface.span.bytes, at: 0)
      }
      let bytes = input.extracting(1..<input.byteCount)
      var now: UInt64 = 0
      try Chunks(choice: choice, count: bytes.byteCount).forEach(of: bytes) { chunk throws in
        now += 1_000_000
        try session.receive(chunk, at: now)
        try peer.answer()
        return session.isAlive
      }
    } catch is HTTP2Error {
      // The peer broke a rule; its GOAWAY must still go out.
      peer.flush()
    } catch {
      throw FuzzFinding("the session threw \(error)")
    }
    peer.session = nil
    try require(peer.problem == nil, peer.problem ?? "")
    let allowed = 64 << 10 + 64 * input.byteCount
    try require(
      peer.sentBytes <= allowed, "\(peer.sentBytes) bytes answer \(input.byteCount)")
  }
}

/// Answers every request with a small body and trailers, and watches the session's promises.
private final class HTTP2Peer: HTTP2SessionOwner {
  var session: HTTP2Session?
  var problem: String?
  var sentBytes = 0
  private var open: Set<Int32> = []
  private var closed: Set<Int32> = []
  private var answered: Set<Int32> = []
  private var waiting: [Int32] = []

  func request() throws {
    var block = HeaderBlock()
    block.append(":method", "POST")
    block.append(":scheme", "http")
    block.append(":path", "/assay.testing.v1.Echo/Unary")
    block.append(":authority", "localhost")
    block.append("content-type", "application/grpc")
    block.append("te", "trailers")
    if let stream = try session?.submitRequest(block, hasBody: true) { open.insert(stream) }
  }

  /// Answers the requests that are complete, then sends what waits.
  func answer() throws {
    for stream in waiting where !closed.contains(stream) {
      var head = HeaderBlock()
      head.append(":status", "200")
      head.append("content-type", "application/grpc")
      try session?.submitResponse(head, on: stream, hasBody: true)
    }
    waiting.removeAll()
    flush()
  }

  func flush() {
    var bytes: [UInt8] = []
    // The session may be past use; what it says then is the end of it.
    try? session?.appendOutgoing(to: &bytes, limit: 1 << 20)
    sentBytes += bytes.count
  }

  private func note(_ what: String, on stream: Int32) {
    if closed.contains(stream), problem == nil {
      problem = "\(what) after stream \(stream) was closed"
    }
  }

  func receivedHeaders(
    _ headers: borrowing HeaderBlock, on stream: Int32, kind: HeaderKind, endsStream: Bool
  ) {
    note("\(kind) headers", on: stream)
    if headers.listBytes > HTTP2Limits().headerListBytesMax, problem == nil {
      problem = "a header list of \(headers.listBytes) bytes was kept"
    }
    var seen = 0
    headers.forEach { name, value in seen += name.byteCount + value.byteCount + 32 }
    if seen != headers.listBytes, problem == nil {
      problem = "a header list of \(seen) bytes says \(headers.listBytes)"
    }
    if kind == .request { open.insert(stream) }
  }

  func receivedData(_ bytes: RawSpan, on stream: Int32) {
    note("data", on: stream)
    if !open.contains(stream), problem == nil {
      problem = "data on stream \(stream), which was never opened"
    }
    session?.creditConnection(bytes.byteCount)
    session?.creditStream(stream, bytes.byteCount)
  }

  func receivedEnd(on stream: Int32) {
    note("the end", on: stream)
    if session?.side == .server { waiting.append(stream) }
  }

  func streamClosed(_ stream: Int32, code: HTTP2ErrorCode) {
    note("a second close", on: stream)
    closed.insert(stream)
  }

  func requestNotSent(_ stream: Int32) {}
  func receivedSettings() {}
  func receivedPingAcknowledgement(_ opaque: UInt64) {}
  func receivedGoAway(lastStream: Int32, code: HTTP2ErrorCode, debug: String) {}

  func fillBody(of stream: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> BodyFill {
    note("a body is asked for", on: stream)
    let count = min(100, buffer.count)
    for index in 0..<count { unsafe buffer[index] = 0x2e }
    guard session?.side == .server else { return .ends(count) }
    guard answered.insert(stream).inserted else { return .fails }
    var trailers = HeaderBlock()
    trailers.append("grpc-status", "0")
    do {
      try session?.submitTrailers(trailers, on: stream)
    } catch {
      return .fails
    }
    return .endsWithTrailers(count)
  }
}
