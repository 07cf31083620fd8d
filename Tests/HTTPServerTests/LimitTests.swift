import EventLoop
import Glibc
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(1))) struct LimitTests {
  @Test func `a head of the largest size passes, larger ones are refused in our shape`()
    async throws
  {
    var limits = HTTPServerLimits()
    limits.headerCountMax = 40
    try await withDoor(limits) { door in
      let fields = (0..<39).map { "X-Field-\($0): \(String(repeating: "v", count: 130))\r\n" }
      let full = fields.joined()
      #expect(full.utf8.count > 5_600)
      let largest = try await door.client { try $0.get("/say/x", full) }
      #expect(largest.status == 200)
      let tooMany = try await door.client { try $0.get("/say/x", full + "One: more\r\n") }
      #expect(tooMany.status == 431)
      let tooLong = try await door.client {
        try $0.get("/say/x", "X: \(String(repeating: "v", count: 6_200))\r\n")
      }
      #expect(tooLong.status == 431)
      let target = try await door.client {
        try $0.get("/say/\(String(repeating: "v", count: 4_100))")
      }
      #expect(target.status == 414)
      #expect(door.events.refusals == [.headTooLarge, .headTooLarge, .targetTooLong])
      // Beyond what the library holds it answers by itself.
      let huge = try await door.client { client in
        try? client.send("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "v", count: 50_000))")
        return try client.answer()
      }
      #expect(huge.status == 431)
    }
  }

  @Test func `a body that is too long is refused on its length, or where it passes it`()
    async throws
  {
    let calls = Shelf(0)
    try await withDoor(route: { head in
      head.path == "/chunks"
        ? .receive(bodyBytesMax: 10) { _, chunks, _ in for try await _ in chunks {} }
        : .handle(bodyBytesMax: 10) { _, body, responder in
          calls.change { $0 += 1 }
          responder.respond(HTTPResponse(200, body: body))
        }
    }) { door in
      let allowed = try await door.client { try $0.post("/", "0123456789") }
      #expect(allowed.status == 200)
      for path in ["/", "/chunks"] {
        let declared = try await door.client { client in
          // Refused though nothing of the body has come …
          try client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n")
          return try client.answer()
        }
        #expect(declared.status == 413)
        // … and heard though the client sends all of it first.
        let sent = try await door.client { client in
          try client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n")
          try client.send([UInt8](repeating: 1, count: 9_000_000))
          return try client.answer()
        }
        #expect(sent.status == 413)
        let chunked = try await door.client { client in
          try client.send(
            "POST \(path) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
              + "8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n")
          return try client.answer()
        }
        #expect(chunked.status == 413)
        #expect(chunked.text.contains("bodyTooLarge"))
      }
      #expect(calls.value == 1)
      #expect(door.events.refusals.allSatisfy { $0 == .bodyTooLarge })
    }
  }

  @Test func `all bodies together have a bound`() async throws {
    var limits = HTTPServerLimits()
    limits.heldBodyBytesMax = 1000
    try await withDoor(limits) { door in
      try await door.client { first in
        try first.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 800\r\n\r\nabc")
        let address = door.address
        func status(_ length: Int) throws -> Int {
          try RawClient(address).post("/echo", String(repeating: "x", count: length)).status
        }
        try first.wait { try status(300) == 503 }
        #expect(try status(300) == 503)
        #expect(try status(100) == 200)
        try first.send(String(repeating: "y", count: 797))
        #expect(try first.answer().body.count == 800)
        #expect(try status(1000) == 200)
        #expect(try status(1001) == 503)
      }
    }
  }

  @Test func `connections over the limit hear why, and others come when one goes`() async throws {
    var limits = HTTPServerLimits()
    limits.connectionsMax = 300
    try await withDoor(limits) { door in
      let address = door.address
      try await door.pool.run {
        // More than one of the library's daemons holds.
        var clients = try (0..<300).map { _ in try RawClient(address) }
        for client in clients { #expect(try client.get("/say/in").status == 200) }
        for _ in 0..<20 {
          let refused = try RawClient(address)
          #expect(try refused.get("/say/in").status == 503)
          #expect(try refused.rest().isEmpty)
        }
        clients.removeLast(10)
        var open = 0
        while open < 10 {
          let client = try RawClient(address)
          guard try client.get("/say/in").status == 200 else { continue }
          clients.append(client)
          open += 1
        }
        for client in clients { #expect(try client.get("/say/still").status == 200) }
      }
      #expect(door.events.refusals.contains(.tooManyConnections))
    }
  }

  @Test func `one address has a bound of its own, and so have running requests`() async throws {
    var limits = HTTPServerLimits()
    limits.connectionsPerPeerMax = 3
    limits.requestsMax = 2
    let mayGo = Shelf(false)
    try await withDoor(
      limits,
      route: { _ in
        .handle(bodyBytesMax: 0) { _, _, responder in
          while !mayGo.value { await Task.yield() }
          responder.respond(HTTPResponse(200))
        }
      }
    ) { door in
      let address = door.address
      try await door.pool.run {
        let clients = try (0..<3).map { _ in try RawClient(address) }
        for client in clients { try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        #expect(try clients[2].answer().status == 503)
        #expect(try RawClient(address).get("/").status == 503)
        mayGo.value = true
        for client in clients[..<2] { #expect(try client.answer().status == 200) }
      }
      #expect(door.events.refusals == [.overloaded, .tooManyConnections])
    }
  }

  @Test func `slow heads, slow bodies and idle connections are cut`() async throws {
    var limits = HTTPServerLimits()
    limits.headerTimeout = .seconds(1)
    limits.bodyTimeout = .seconds(1)
    limits.idleTimeout = .seconds(3)
    try await withDoor(limits) { door in
      async let silent = door.client { try $0.rest() }
      async let slowHead = door.client { client in
        try client.send("GET /say/x HTTP/1.1\r\nHost: a\r\n")
        while !client.hasAnswer(withinMilliseconds: 20) { try client.send("A: b\r\n") }
        return try client.answer().status
      }
      async let slowSecondHead = door.client { client in
        #expect(try client.get("/say/x").status == 200)
        // Idle long enough for the server to watch this connection for bytes.
        #expect(!client.hasAnswer(withinMilliseconds: 2_200))
        try client.send("GET /say/x HTTP/1.1\r\n")
        while !client.hasAnswer(withinMilliseconds: 20) { try client.send("A: b\r\n") }
        return try client.answer().status
      }
      async let slowBody = door.client { client in
        try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n")
        while !client.hasAnswer(withinMilliseconds: 20) { try client.send("a") }
        return try client.answer().status
      }
      async let idle = door.client { client in
        #expect(try client.get("/say/x").status == 200)
        return try client.rest()
      }
      let statuses = try await [slowHead, slowSecondHead, slowBody]
      #expect(statuses == [408, 408, 408])
      let said = try await silent + idle
      #expect(said.isEmpty)
      #expect(await door.server.connectionCount() == 0)
    }
  }

  @Test func `a client that takes nothing of its answer is dropped`() async throws {
    var limits = HTTPServerLimits()
    limits.stalledWriteTimeout = .seconds(1)
    let body = [UInt8](repeating: 1, count: 16 << 20)
    try await withDoor(limits, route: { _ in .refuse(HTTPResponse(200, body: body)) }) { door in
      try await door.client(receiveBufferBytes: 8 << 10) { client in
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try client.wait { door.events.hasStalledClient }
        #expect(try client.rest().count < body.count)
      }
      try await eventually("closed") { await door.server.connectionCount() == 0 }
    }
  }
}
