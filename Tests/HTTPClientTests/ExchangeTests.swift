import EventLoop
import HTTPClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ExchangeTests {
  @Test func `a request arrives as it was written, and nothing is added`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      let headers = [
        HTTPField("X-B", "2"), HTTPField("x-a", "1"), HTTPField("X-B", "3"), HTTPField("empty", ""),
        HTTPField("Text", "naïve \u{9}"),
      ]
      let target = "/head"
      let head = try await endpoint.text(.post, target, headers: headers, body: .bytes([1, 2, 3]))
      let host = "127.0.0.1:\(peer.doors["plain"] ?? 0)"
      let lines = head.text.split(separator: "\r\n").map(String.init)
      #expect(lines.first == "POST /head HTTP/1.1")
      #expect(
        lines.dropFirst().sorted() == [
          "Content-Length: 3", "Host: \(host)", "Text: naïve \u{9}", "X-B: 2", "X-B: 3", "empty:",
          "x-a: 1",
        ])
      #expect(lines.filter { $0.hasPrefix("X-B") } == ["X-B: 2", "X-B: 3"])
      // The same handle again, for a call without any of that.
      let bare = try await endpoint.text(.get, target)
      #expect(bare.text == "GET /head HTTP/1.1\r\nHost: \(host)\r\n\r\n")
    }
  }

  @Test func `a target goes out byte for byte`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      for target in ["/a/../b/./c?x=%2F../&y=[1]", "//double", "/%00%0d%0a", "/?a=b?c"] {
        #expect(try await endpoint.text(.get, target).status == 404)
        #expect(try await endpoint.seenCount("/" + target.dropFirst()) == 1, "\(target)")
      }
    }
  }

  @Test(arguments: [0, 1, 1024, 61_440, 61_441, 3_000_000])
  func `bodies arrive whole, whatever their size and form`(size: Int) async throws {
    var random = SeededRandom("bodies")
    let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      let segments = stride(from: 0, to: size, by: 7919).map {
        Array(bytes[$0..<min($0 + 7919, size)])
      }
      let forms: [() -> HTTPRequestBody] = [
        { .bytes(bytes) }, { .segments(segments) }, { .segments([[]] + segments + [[]]) },
        { .source(Chunks(segments)) },
      ]
      let expected = try await endpoint.text(.post, "/sum", body: forms[0]()).text
      for form in forms + forms {
        for method in [HTTPClientRequest.Method.post, .put, .patch, .delete] {
          let answer = try await endpoint.text(method, "/sum", body: form())
          #expect(answer.text == expected)
          #expect(answer.facts.isConnectionReused)
          #expect(answer.facts.sentByteCount > size)
        }
      }
      #expect(expected.hasPrefix("\(size) "))
      let echo = try await endpoint.send(HTTPClientRequest(.post, "/echo", body: .bytes(bytes)))
      #expect(try await echo.body.collect(max: size) == bytes)
      #expect(echo.body.receivedByteCount == size)
    }
  }

  @Test func `answers of every form are read`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      for (target, text) in [
        ("/ok", "ok"), ("/none", ""), ("/until-close", "to the end"), ("/interim", "ok"),
        ("/trailers", "ok"), ("/redirect", "ok"), ("/closing", "ok"), ("/ok", "ok"),
      ] {
        let answer = try await endpoint.text(.get, target)
        #expect(answer.text == text, "\(target)")
        #expect(answer.status == (target == "/none" ? 204 : target == "/redirect" ? 302 : 200))
      }
      #expect(try await endpoint.text(.head, "/ok").text == "")
      #expect(try await endpoint.text(.get, "/kb").text.utf8.count == 1024)
      let drip = try await endpoint.text(.get, "/drip").text
      #expect(drip == (0..<40).map { "\($0);" }.joined())
    }
  }

  @Test func `headers of the answer are found by name, and only those of the last head`()
    async throws
  {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      let response = try await endpoint.send(HTTPClientRequest(.get, "/interim"))
      #expect(response.headers["content-LENGTH"] == "2")
      #expect(response.headers["x-b"] == "2")
      #expect(response.headers["x-a"] == nil)
      #expect(response.headers["x"] == nil)
      #expect(response.headers.all("X-B") == ["2"])
      #expect(
        response.headers.fields == [HTTPField("Content-Length", "2"), HTTPField("X-B", "2")])
      #expect(String(decoding: response.headers.raw, as: UTF8.self).hasSuffix("X-B: 2\r\n"))
    }
  }

  @Test func `connections are kept, and the facts say so`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      let first = try await endpoint.text(.get, "/me")
      let second = try await endpoint.text(.get, "/me")
      #expect(first.text == second.text)
      #expect(!first.facts.isConnectionReused)
      #expect(second.facts.isConnectionReused)
      #expect(second.facts.version == .http1)
      #expect(second.facts.peer == .tcp(host: "127.0.0.1", port: peer.doors["plain"] ?? 0))
      #expect(second.facts.timeToHead >= second.facts.timeToConnection)
      #expect(second.facts.headByteCount > 20)
    }
  }

  @Test func `a Unix socket is an upstream too`() async throws {
    try await ScratchFolder.with { folder in
      let path = folder.file("p.sock")
      try await Peer.with(["--unix", path]) { peer in
        var upstream = try HTTPUpstream("http://provider.example")
        upstream.place = .unixSocket(path: path)
        let endpoint = try peer.client.endpoint(for: upstream)
        let answer = try await endpoint.text(.get, "/head")
        #expect(answer.text.contains("Host: provider.example\r\n"))
        #expect(answer.facts.peer == .unix(path: path))
        #expect(try await endpoint.text(.get, "/head").facts.isConnectionReused)
        upstream.place = .unixSocket(path: folder.file("none.sock"))
        let nowhere = try peer.client.endpoint(for: upstream)
        let error = await nowhere.failure(.get, "/")
        #expect(error?.code == .notConnected)
        #expect(error?.wasSent == false)
      }
    }
  }

  @Test func `200 calls at once share a bounded number of connections`() async throws {
    var limits = HTTPClientLimits()
    limits.connectionsPerHostMax = 16
    try await Peer.with(limits: limits) { peer in
      let endpoint = try peer.endpoint()
      let connections = try await withThrowingTaskGroup(of: String.self) { group in
        for index in 0..<200 {
          group.addTask {
            let body = [UInt8](repeating: 1, count: index * 500)
            let sum = try await endpoint.text(.post, "/sum", body: .bytes(body)).text
            #expect(sum.hasPrefix("\(body.count) "))
            return try await endpoint.text(.get, "/me").text
          }
        }
        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
      }
      #expect(connections.count <= 16)
      #expect(try await endpoint.seenCount("/sum") == 200)
      #expect(await peer.callCount() == 0)
    }
  }

  @Test func `calls beyond the bound are refused and the others go on`() async throws {
    var limits = HTTPClientLimits()
    limits.callsMax = 1
    try await Peer.with(limits: limits) { peer in
      let endpoint = try peer.endpoint()
      do {
        let open = try await endpoint.send(HTTPClientRequest(.get, "/stalls"))
        #expect(await endpoint.failure(.get, "/ok")?.code == .tooManyCalls)
        #expect(open.status == 200)
      }
      try await eventually("the open one ends", on: peer.loop) { await peer.callCount() == 0 }
      #expect(try await endpoint.text(.get, "/ok").text == "ok")
    }
  }

  @Test func `compression is asked for only on demand`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      var request = HTTPClientRequest(.get, "/gzip")
      let raw = try await endpoint.send(request).body.collect(max: 10_000)
      #expect(raw.starts(with: [0x1F, 0x8B]))
      request.acceptsCompression = true
      let inflated = try await endpoint.send(request).body.collect(max: 10_000)
      #expect(inflated == Array(String(repeating: "inflated ", count: 100).utf8))
      request.target = "/head"
      let asking = try await endpoint.send(request).body.collect(max: 10_000)
      #expect(String(decoding: asking, as: UTF8.self).contains("Accept-Encoding: gzip, br\r\n"))
      let plain = try await endpoint.text(.get, "/head").text
      #expect(!plain.contains("Accept-Encoding"))
    }
  }

  @Test func `a loop that stops ends calls and refuses new ones`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      async let waiting = endpoint.failure(.get, "/silent")
      try await eventually("the request is there", on: peer.loop) {
        try await endpoint.seenCount("/silent") == 1
      }
      peer.loop.execute { peer.client.close() }
      let error = await waiting
      #expect(error?.code == .closed)
      #expect(error?.wasSent == true)
      #expect(await endpoint.failure(.get, "/ok")?.code == .closed)
    }
  }
}

/// A source that hands out chunks one by one.
actor Chunks: HTTPBodySource {
  nonisolated let byteCount: Int
  private var chunks: [[UInt8]]
  private(set) var askedCount = 0

  init(_ chunks: [[UInt8]], byteCount: Int? = nil) {
    self.chunks = chunks.reversed()
    self.byteCount = byteCount ?? chunks.reduce(0) { $0 + $1.count }
  }

  func next() -> [UInt8]? {
    askedCount += 1
    return chunks.popLast()
  }
}
