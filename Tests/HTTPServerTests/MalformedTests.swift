import EventLoop
import HTTPServer
import TestSupport
import Testing

/// Requests that two parties could read in two ways, or that are not HTTP at all.
@Suite(.timeLimit(.minutes(1))) struct MalformedTests {
  /// Behind each stands a request that must not be answered.
  static let corpus: [String] = [
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3 4\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
      + "0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
      + "0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
      + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc",
    "GET /say/x HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n",
    "GET /say/x HTTP/1.1\r\nHost: a\r\nA: b\0\0C: d\r\n\r\n",
    "GET /say/x HTTP/1.1\r\nHost: a\r\nA: b\0\0Content-Length\05\r\n\r\n",
    "GET /say/x HTTP/1.1\r\nHost: a\r\nA: b\0\0C\0d\r\n\r\n",
    "GET /say/x HTTP/1.1\r\nHost: a\r\nA\0: b\r\n\r\n",
    "GET /say/\0x HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /say/x HTTP/1.1\nHost: a\n\n",
    "GET /say/x HTTP/1.1\r\nHost: a\nA: b\r\n\r\n",
    "GET /say/x HTTP/1.1\r\nHost: a\r\nA: b\n\r\n",
    "GET /say/x HTTP/1.1\r\nHost: a\r\nA: b\r\n\n",
    "GET /say/x HTTP/1.1\nHost: a\r\n\r\n",
    "GET /say/x HTTP/1.1\r\nHost: a\r\nA: b\rC: d\r\n\r\n",
    "GET /say/x HTTP/1.1\r\nHost: a\r\nA: b\r\n folded\r\n\r\n",
    "GET /say/x HTTP/1.1\r\n Host: a\r\nA: b\r\n\r\n",
    "GET /say/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET /say/x HTTP/1.1\r\nA: b\r\n\r\n",
    "GET /say/x HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "GET /say/x HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n",
    "GET /say/x HTTP/1.1\r\nHost: a\r\nA B: c\r\n\r\n",
    "GET  /say/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /say/x  HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /say/x y HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /say/%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /say/%zz HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /say/%ff HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET say/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /say/x HTTP/3.0\r\nHost: a\r\n\r\n",
    "GET /say/x HTTP/1.1x\r\nHost: a\r\n\r\n",
    "GET /say/x\r\nHost: a\r\n\r\n",
    "G\u{7f}T /say/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT host:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\r\n\r\n",
  ]

  @Test(arguments: corpus)
  func `a malformed request is refused or closed`(_ request: String) async throws {
    try await withDoor { door in
      let said = try await door.client { client in
        try client.send(request + "GET /say/smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        client.endSending()
        return String(decoding: try client.rest(), as: UTF8.self)
      }
      #expect(!said.contains("smuggled"), "\(said)")
      #expect(!said.contains("200 OK"), "\(said)")
      #expect(said.isEmpty || said.hasPrefix("HTTP/1.1 4") || said.hasPrefix("HTTP/1.1 5"))
      let healthy = try await door.client { try $0.get("/say/healthy") }
      #expect(healthy.text == "/say/healthy")
    }
  }

  @Test func `what is refused by us has our shape`() async throws {
    try await withDoor { door in
      let answer = try await door.client { client in
        try client.send(
          "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n")
        return try client.answer()
      }
      #expect(answer.status == 400)
      #expect(answer.text == #"{"refusal":"malformed","for":""}"#)
      #expect(answer.header("content-type") == "application/json")
      #expect(door.events.refusals == [.malformed])
    }
  }

  @Test func `random changes of good requests never stop the server`() async throws {
    var random = SeededRandom("malformed requests")
    let good = Array(
      ("POST /echo?a=b HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nContent-Length: 4\r\n\r\nabcd"
        + "POST /later HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "4\r\nabcd\r\n2;x=y\r\nef\r\n0\r\n\r\n").utf8)
    let requests = (0..<300).map { _ in random.mutation(of: random.mutation(of: good)) }
    try await withDoor { door in
      let address = door.address
      try await door.pool.run {
        for request in requests {
          let client = try RawClient(address)
          try? client.send(request)
          client.endSending()
          do { _ = try client.rest() } catch {
            print("STUCK", String(decoding: request, as: UTF8.self).debugDescription); throw error
          }
        }
      }
      let healthy = try await door.client { try $0.get("/say/healthy") }
      #expect(healthy.text == "/say/healthy")
    }
  }
}
