import EventLoop
import Glibc
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(1))) struct HandlerTests {
  @Test func `a handler that throws, or says nothing, or nothing that HTTP can carry, is a 500`()
    async throws
  {
    struct Broken: Error {}
    try await withDoor(route: { head in
      .handle(bodyBytesMax: 0) { _, _, responder in
        switch head.path {
        case "/throws": throw Broken()
        case "/later": await Task.yield(); throw Broken()
        case "/field": responder.respond(HTTPResponse(200, ["x": "a\r\nSet-Cookie: b"]))
        case "/name": responder.respond(HTTPResponse(200, ["x y": "a"]))
        case "/status": responder.respond(HTTPResponse(99))
        default: break
        }
      }
    }) { door in
      for path in ["/throws", "/later", "/field", "/name", "/status", "/silent"] {
        let answer = try await door.client { try $0.get(path) }
        #expect(answer.status == 500)
        #expect(answer.text == #"{"refusal":"handlerFailed","for":"\#(path)"}"#)
      }
      #expect(door.events.failures.count == 5)
    }
  }

  @Test func `only the first answer counts, and framing is the server's`() async throws {
    let second = Shelf(true)
    try await withDoor(route: { _ in
      .handle(bodyBytesMax: 0) { _, _, responder in
        responder.respond(
          HTTPResponse(
            201, ["Content-Length": "99", "transfer-encoding": "x", "Connection": "x", "A": "b"],
            body: Array("first".utf8)))
        second.value = responder.respond(HTTPResponse(200))
        let error = await #expect(throws: HTTPConnectionError.self) {
          try await responder.stream(200)
        }
        #expect(error == .alreadyAnswered)
      }
    }) { door in
      let answer = try await door.client { try $0.get("/") }
      #expect(answer.status == 201)
      #expect(answer.text == "first")
      #expect(answer.header("a") == "b")
      #expect(answer.header("content-length") == "5")
      #expect(answer.header("connection") == nil)
      #expect(!second.value)
    }
  }

  @Test func `a handler runs on the loop, goes on after its answer and its client`() async throws {
    let steps = Shelf<[String]>([])
    let hasLeft = Shelf(false)
    try await withDoor(route: { _ in
      .handle(bodyBytesMax: 0) { _, _, responder in
        responder.onGone { steps.change { $0.append("gone") } }
        while !hasLeft.value || steps.value.isEmpty { await Task.yield() }
        steps.change { [isCancelled = Task.isCancelled] in $0.append("cancelled \(isCancelled)") }
        responder.respond(HTTPResponse(200))
        await Task.yield()
        steps.change { $0.append("on") }
      }
    }) { door in
      try await door.client { client in
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      }
      hasLeft.value = true
      try await eventually("the handler ends") {
        steps.value == ["gone", "cancelled false", "on"]
      }
      #expect(door.events.failures.isEmpty)
    }
  }

  @Test func `a handler that asks for it is cancelled when its client resets`() async throws {
    let isCancelled = Shelf(false)
    let hasStarted = Shelf(false)
    try await withDoor(route: { [isCancelled] _ in
      .handle(bodyBytesMax: 0) { _, _, responder in
        responder.cancelWhenGone()
        hasStarted.value = true
        while !Task.isCancelled { await Task.yield() }
        isCancelled.value = true
      }
    }) { door in
      try await door.client { client in
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try client.wait { hasStarted.value }
        client.reset()
      }
      try await eventually("cancelled") { isCancelled.value }
      try await eventually("closed") { await door.server.connectionCount() == 0 }
    }
  }

  @Test func `a client that leaves within its body ends the reading`() async throws {
    let outcome = Shelf<HTTPConnectionError?>(nil)
    let calls = Shelf(0)
    try await withDoor(route: { head in
      guard head.path == "/chunks" else {
        return .handle(bodyBytesMax: 100) { _, _, _ in calls.change { $0 += 1 } }
      }
      return .receive(bodyBytesMax: 100) { _, chunks, _ in
        do { for try await _ in chunks {} } catch { outcome.value = error as? HTTPConnectionError }
      }
    }) { door in
      for path in ["/chunks", "/whole"] {
        try await door.client { client in
          try client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nabc")
        }
      }
      try await eventually("told") { outcome.value == .clientGone }
      try await eventually("closed") { await door.server.connectionCount() == 0 }
      #expect(calls.value == 0)
    }
  }

  @Test func `an end that comes together with half a body is noticed`() async throws {
    let mayGo = Shelf(false)
    let hasStopped = Shelf(false)
    try await withDoor { door in
      try await door.client { client in
        #expect(try client.get("/say/x").status == 200)
        // The loop looks away until both are there, so that it hears of both at once.
        door.loop.execute {
          hasStopped.value = true
          while !mayGo.value { sched_yield() }
        }
        try client.wait { hasStopped.value }
        try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nabc")
        client.endSending()
        mayGo.value = true
        #expect(try client.rest().isEmpty)
      }
    }
  }

  @Test func `an answer before the end of the body is heard, and the rest dropped`() async throws {
    try await withDoor(route: { _ in
      .receive(bodyBytesMax: 1 << 20) { _, _, responder in
        responder.respond(HTTPResponse(202, body: Array("enough".utf8)))
      }
    }) { door in
      try await door.client { client in
        for _ in 0..<3 {
          try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n")
          try client.send([UInt8](repeating: 1, count: 500_000))
          #expect(try client.answer().text == "enough")
        }
      }
    }
  }

  @Test func `answers from other threads than the loop's arrive`() async throws {
    try await withDoor(route: { _ in
      .handle(bodyBytesMax: 0) { head, _, responder in
        await withCheckedContinuation { continuation in
          Task.detached {
            if head.path == "/stream" {
              let writer = try await responder.stream(200)
              for _ in 0..<100 { try await writer.write(Array("xyz".utf8)) }
              writer.finish()
            } else {
              responder.respond(HTTPResponse(200, body: Array("from afar".utf8)))
            }
            continuation.resume()
          }
        }
      }
    }) { door in
      let count = try await door.client { try $0.get("/stream").body.count }
      #expect(count == 300)
      let text = try await door.client { try $0.get("/whole").text }
      #expect(text == "from afar")
    }
  }
}
