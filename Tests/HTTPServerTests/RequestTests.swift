import EventLoop
import Glibc
import HTTPServer
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct RequestTests {
  @Test func `one connection serves one request after the other`() async throws {
    try await withDoor { door in
      try await door.client { client in
        for turn in 0..<20 {
          let answer = try client.post(turn.isMultiple(of: 2) ? "/echo" : "/later", "body \(turn)")
          #expect(answer.status == 200)
          #expect(answer.text == "body \(turn)")
          #expect(answer.header("connection") == nil)
          #expect(answer.header("server") == nil)
          #expect(answer.header("date") != nil)
        }
      }
      #expect(await door.server.connectionCount() <= 1)
    }
  }

  @Test func `pipelined requests are answered in their order`() async throws {
    try await withDoor { door in
      try await door.client { client in
        var requests = ""
        for turn in 0..<50 {
          let body = "number \(turn)"
          let target = turn.isMultiple(of: 3) ? "/later" : "/echo"
          requests +=
            "POST \(target) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n"
            + body
        }
        try client.send(requests)
        for turn in 0..<50 { #expect(try client.answer().text == "number \(turn)") }
      }
    }
  }

  @Test func `a chunked body arrives whole, and nothing behind it is believed`() async throws {
    try await withDoor { door in
      try await door.client { client in
        try client.send(
          "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3\r\nabc\r\n5;note=1\r\ndefgh\r\n0\r\nTrailer: x\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.text == "abcdefgh")
        #expect(answer.header("connection") == "close")
        try client.send("GET /say/more HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.rest().isEmpty)
      }
    }
  }

  @Test func `a client that asks first is told to go on`() async throws {
    try await withDoor { door in
      try await door.client { client in
        let head = "HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        try client.send("POST /echo \(head)")
        #expect(try client.head().status == 100)
        try client.send("hello")
        #expect(try client.answer().text == "hello")
        try client.send("POST /nowhere \(head)")
        #expect(try client.answer().status == 404)
        #expect(try client.rest().isEmpty)
      }
    }
  }

  @Test func `HEAD gets the head of the answer only`() async throws {
    try await withDoor { door in
      try await door.client { client in
        try client.send("HEAD /say/hello HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try client.answer(isHead: true)
        #expect(answer.status == 200)
        #expect(answer.header("content-length") == "10")
        #expect(try client.get("/say/next").text == "/say/next")
      }
    }
  }

  @Test func `a client of HTTP 1.0 is answered and closed`() async throws {
    try await withDoor { door in
      try await door.client { client in
        try client.send("GET /say/old HTTP/1.0\r\n\r\n")
        #expect(try client.answer().text == "/say/old")
        #expect(try client.rest().isEmpty)
      }
    }
  }

  @Test func `fields keep their order, and their names match in any case`() async throws {
    try await withDoor(route: { head in
      var lines = head.headers.map { "\($0.name)=\($0.value)" }
      lines.append(head.headers["x-ONE"] ?? "none")
      lines.append(head.headers.values("X-Many").joined(separator: "+"))
      lines.append("\(head.headers.bytes("x-one")?.count ?? -1)")
      lines.append(head.headers["absent"] ?? "none")
      lines.append("\(head.headers.hasName(beginningWith: "x-m"))")
      lines.append("\(head.headers.hasName(beginningWith: "x-one-more"))")
      return .refuse(HTTPResponse(200, body: Array(lines.joined(separator: "\n").utf8)))
    }) { door in
      let answer = try await door.client { client in
        try client.get("/", "X-One:  padded \t\r\nx-many: a\r\nEmpty:\r\nX-MANY: b c\r\n")
      }
      #expect(
        answer.text == """
          Host=test
          X-One=padded
          x-many=a
          Empty=
          X-MANY=b c
          padded
          a+b c
          6
          none
          true
          false
          """)
    }
  }

  @Test(arguments: [
    ("/a/b", "/a/b", ""), ("/a%20b?x=1&y=%2B+%C3%A9&z", "/a b", "x:1 y:+ é z:"),
    ("/a%2Fb%2e", "/a%2Fb.", ""), ("http://host/p?q=r=s", "/p", "q:r=s"), ("http://host", "/", ""),
    ("/?", "/", ""), ("/?&&=v", "/", ":v"), ("/p?%zz=%", "/p", "%zz:%"),
  ])
  func `targets are taken apart`(_ target: String, _ path: String, _ query: String) async throws {
    try await withDoor(route: { head in
      let items = head.queryItems.map { "\($0.name):\($0.value)" }.joined(separator: " ")
      return .refuse(
        HTTPResponse(200, body: Array("\(head.target)|\(head.path)|\(items)".utf8)))
    }) { door in
      let answer = try await door.client { try $0.get(target) }
      #expect(answer.text == "\(target)|\(path)|\(query)")
    }
  }

  @Test func `ten megabytes pass both ways, collected and in chunks`() async throws {
    let body = (0..<10_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    try await withDoor(route: { head in
      guard head.path == "/chunks" else { return standardRoute(head) }
      return .receive(bodyBytesMax: 16 << 20) { _, chunks, responder in
        var whole: [UInt8] = []
        for try await chunk in chunks { whole += chunk }
        responder.respond(HTTPResponse(200, body: whole))
      }
    }) { door in
      for target in ["/echo", "/chunks"] {
        let answer = try await door.client { client in
          try client.send(
            "POST \(target) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n")
          try client.send(body)
          return try client.answer()
        }
        #expect(answer.status == 200)
        #expect(answer.body == body)
      }
    }
  }

  @Test func `a Unix socket has its mode, and its peers have credentials`() async throws {
    try await ScratchFolder.with { folder in
      let path = folder.file("door.sock")
      let seen = Shelf<HTTPPeer?>(nil)
      try await withDoor(
        at: .unix(path: path), mode: 0o600,
        route: { head in
          seen.value = head.peer
          return standardRoute(head)
        }
      ) { door in
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        let answer = try await door.client { try $0.post("/echo", "hi") }
        #expect(answer.text == "hi")
        #expect(seen.value == .unix(.own))
        await door.server.drain()
        #expect(unsafe stat(path, &status) != 0)
      }
    }
  }

  @Test func `several listeners serve at once, on IPv6 too`() async throws {
    try await withDoor { door in
      let six = try await door.server.listen(on: .tcp(host: "::1", port: 0))
      guard case .tcp(_, let port) = six else { return #expect(Bool(false), "\(six)") }
      #expect(port != 0)
      let text = try await door.pool.run { try RawClient(six).get("/say/six").text }
      #expect(text == "/say/six")
      let served = try await door.client { try $0.get("/say/four") }
      #expect(served.text == "/say/four")
    }
  }
}
