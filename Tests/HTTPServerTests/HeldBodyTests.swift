import EventLoop
import HTTPServer
import Testing

/// Large bodies wait for each other's room.
@Suite(.timeLimit(.minutes(1))) struct HeldBodyTests {
  private static var limits: HTTPServerLimits {
    var limits = HTTPServerLimits()
    limits.heldBodyBytesMax = 8000
    limits.largeBodyBytesMin = 1000
    limits.largeBodiesWaitingMax = 2
    return limits
  }

  private static func head(_ length: Int) -> String {
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n"
  }

  private static func text(_ length: Int) -> String { String(repeating: "y", count: length) }

  @Test func `a large body waits for room, in its turn, while small ones pass`() async throws {
    try await withDoor(Self.limits) { door in
      let address = door.address
      try await door.client { first in
        try first.send(Self.head(6000) + "abc")
        // Heard of before the next comes.
        try first.wait { try RawClient(address).post("/echo", Self.text(900)).status == 200 }
        let second = try RawClient(address)
        try second.send(Self.head(5000) + Self.text(5000))
        let third = try RawClient(address)
        // It would fit, and does not pass by the one before it.
        try third.send(Self.head(1000) + Self.text(1000))
        #expect(try RawClient(address).post("/echo", Self.text(900)).status == 200)
        #expect(!second.hasAnswer(withinMilliseconds: 50))
        #expect(!third.hasAnswer())
        // As many as may wait do: one more is refused.
        #expect(try RawClient(address).post("/echo", Self.text(5000)).status == 503)
        try first.send(Self.text(5997))
        #expect(try first.answer().body.count == 6000)
        #expect(try second.answer().body.count == 5000)
        #expect(try third.answer().body.count == 1000)
        // All of it has come back, and one that is larger than all comes when it is alone.
        #expect(try RawClient(address).post("/echo", Self.text(7900)).status == 200)
      }
    }
  }

  @Test func `a body counts until its handler has ended`() async throws {
    let mayGo = Shelf(false)
    try await withDoor(
      Self.limits,
      route: { _ in
        .handle(bodyBytesMax: 10_000) { _, body, responder in
          while body.first == UInt8(ascii: "w"), !mayGo.value { await Task.yield() }
          responder.respond(HTTPResponse(200, body: body))
        }
      }
    ) { door in
      let address = door.address
      try await door.client { first in
        try first.send(Self.head(6000) + "w" + Self.text(5999))
        try first.wait { try RawClient(address).post("/", "small").status == 200 }
        let second = try RawClient(address)
        try second.send(Self.head(5000) + Self.text(5000))
        #expect(!second.hasAnswer(withinMilliseconds: 50))
        mayGo.value = true
        #expect(try first.answer().body.count == 6000)
        #expect(try second.answer().body.count == 5000)
      }
    }
  }

  @Test func `who waits too long is refused, and who leaves makes room for the next`()
    async throws
  {
    var limits = Self.limits
    limits.largeBodyPatience = .milliseconds(300)
    try await withDoor(limits) { door in
      let address = door.address
      try await door.client { first in
        try first.send(Self.head(6000) + "abc")
        try first.wait { try RawClient(address).post("/echo", "small").status == 200 }
        let refused = try RawClient(address)
        try refused.send(Self.head(5000) + Self.text(5000))
        #expect(try refused.answer().status == 503)
        for _ in 0..<2 {
          let leaving = try RawClient(address)
          try leaving.send(Self.head(5000))
          leaving.reset()
        }
        // Both places of those that wait are free again.
        try first.wait {
          let next = try RawClient(address)
          try next.send(Self.head(2000) + Self.text(2000))
          guard !next.hasAnswer(withinMilliseconds: 20) else { return false }
          try first.send(Self.text(5997))
          return try next.answer().status == 200
        }
        #expect(try first.answer().body.count == 6000)
      }
    }
  }
}
