import EventLoop
import Glibc
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(1))) struct StreamTests {
  @Test func `what is written goes out at once, chunk by chunk`() async throws {
    let steps = Shelf<CheckedContinuation<Void, Never>?>(nil)
    try await withDoor(route: { _ in
      .handle(bodyBytesMax: 0) { _, _, responder in
        let writer = try await responder.stream(200, ["content-type": "text/event-stream"])
        await withCheckedContinuation { steps.value = $0 }
        try await writer.write(Array("data: one\n\n".utf8))
        await withCheckedContinuation { steps.value = $0 }
        try await writer.write(Array("data: two\n\n".utf8))
        writer.finish()
      }
    }) { door in
      try await door.client { client in
        func goOn() throws {
          try client.wait { steps.value != nil }
          let step = steps.value
          steps.value = nil
          step?.resume()
        }
        for _ in 0..<3 {
          try client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
          // The head comes though nothing follows yet.
          #expect(try client.head().header("transfer-encoding") == "chunked")
          try goOn()
          #expect(try client.chunk() == Array("data: one\n\n".utf8))
          try goOn()
          #expect(try client.chunk() == Array("data: two\n\n".utf8))
          #expect(try client.chunk() == nil)
        }
      }
    }
  }

  @Test func `a stream to HTTP 1.0 ends with the connection`() async throws {
    try await withDoor(route: streams("abc", times: 1000)) { door in
      let body = try await door.client { client in
        try client.send("GET / HTTP/1.0\r\n\r\n")
        #expect(try client.head().header("transfer-encoding") == nil)
        return try client.rest()
      }
      #expect(body == Array(String(repeating: "abc", count: 1000).utf8))
    }
  }

  @Test(arguments: [("HEAD", 200), ("GET", 304), ("GET", 204)])
  func `a stream that may have no body is its head`(_ method: String, _ status: Int)
    async throws
  {
    let plain = streams("abc", times: 3)
    try await withDoor(route: { head in
      head.path == "/" ? plain(head) : streams("abc", times: 3, status: status)(head)
    }) { door in
      try await door.client { client in
        for _ in 0..<3 {
          try client.send("\(method) /none HTTP/1.1\r\nHost: a\r\n\r\n")
          #expect(try client.answer(isHead: true).status == status)
        }
        #expect(try client.get("/").text == "abcabcabc")
      }
      #expect(door.events.failures.isEmpty)
    }
  }

  @Test func `a client that does not read makes the writer wait, and is reported`() async throws {
    let written = Shelf(0)
    let outcome = Shelf<HTTPConnectionError?>(nil)
    let block = [UInt8](repeating: 7, count: 16 << 10)
    try await withDoor(route: { _ in
      .handle(bodyBytesMax: 0) { _, _, responder in
        let writer = try await responder.stream(200)
        do {
          for _ in 0..<100_000 {
            try await writer.write(block)
            written.change { $0 += block.count }
          }
        } catch {
          outcome.value = error as? HTTPConnectionError
        }
      }
    }) { door in
      try await door.client(receiveBufferBytes: 8 << 10) { client in
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.head().status == 200)
        // Until the writer stands still: the same count at a hundred looks in a row.
        var looks = (count: 0, same: 0)
        try client.wait {
          let count = written.value
          looks = (count, count == looks.count ? looks.same + 1 : 0)
          return count > 0 && looks.same == 100
        }
        // What the kernel holds on both sides, and our own bound.
        #expect(written.value < 16 << 20)
        #expect(outcome.value == nil)
      }
      try await eventually("the writer was told") { outcome.value == .clientGone }
      try await eventually("the connection is closed") {
        await door.server.connectionCount() == 0
      }
    }
  }

  @Test func `an idle stream's client that leaves is noticed`() async throws {
    let isGone = Shelf(false)
    let outcome = Shelf<HTTPConnectionError?>(nil)
    try await withDoor(route: { _ in
      .handle(bodyBytesMax: 0) { _, _, responder in
        responder.onGone { isGone.value = true }
        let writer = try await responder.stream(200)
        while true {
          guard isGone.value else {
            await Task.yield()
            continue
          }
          do { try await writer.write([1]) } catch {
            return outcome.value = error as? HTTPConnectionError
          }
        }
      }
    }) { door in
      try await door.client { client in
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try client.head()
      }
      try await eventually("told") { isGone.value && outcome.value == .clientGone }
    }
  }

  @Test func `a stream that its handler leaves unfinished is cut`() async throws {
    try await withDoor(route: { _ in
      .handle(bodyBytesMax: 0) { _, _, responder in
        let writer = try await responder.stream(200)
        try await writer.write(Array("half".utf8))
        await Task.yield()
        throw HTTPConnectionError.cancelled
      }
    }) { door in
      let said = try await door.client { client in
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return String(decoding: try client.rest(), as: UTF8.self)
      }
      #expect(said.hasPrefix("HTTP/1.1 200"))
      #expect(!said.hasSuffix("0\r\n\r\n"))
      #expect(door.events.failures.count == 1)
    }
  }

  @Test func `many tasks may write, and one that is cancelled stops waiting`() async throws {
    let outcome = Shelf<HTTPConnectionError?>(nil)
    try await withDoor(route: { _ in
      .handle(bodyBytesMax: 0) { _, _, responder in
        let writer = try await responder.stream(200)
        let task = Task {
          do {
            while true { try await writer.write([UInt8](repeating: 1, count: 100_000)) }
          } catch {
            outcome.value = error as? HTTPConnectionError
          }
        }
        await Task.yield()
        task.cancel()
        _ = await task.value
        writer.finish()
      }
    }) { door in
      try await door.client(receiveBufferBytes: 8 << 10) { client in
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try client.wait { outcome.value != nil }
        #expect(try client.answer().status == 200)
      }
      #expect(outcome.value == .cancelled)
    }
  }

  @Test func `a slow reader of a body makes its client wait`() async throws {
    let read = Shelf(0)
    let mayRead = Shelf(false)
    try await withDoor(route: { _ in
      .receive(bodyBytesMax: 64 << 20) { _, chunks, responder in
        while !mayRead.value { await Task.yield() }
        for try await chunk in chunks { read.change { $0 += chunk.count } }
        responder.respond(HTTPResponse(200))
      }
    }) { door in
      let total = 32 << 20
      try await door.client { client in
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(total)\r\n\r\n")
        // Not everything is taken before the handler reads: a send that may not block says so.
        let block = [UInt8](repeating: 0, count: 1 << 20)
        var sent = 0
        var pauses = 0
        while sent < total {
          let count = unsafe block.withUnsafeBytes { bytes in
            unsafe Glibc.send(
              client.descriptor, bytes.baseAddress, min(bytes.count, total - sent),
              Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
          }
          if count > 0 {
            sent += count
            continue
          }
          pauses += 1
          // An answer would come too early: this only lets a moment pass.
          #expect(!client.hasAnswer(withinMilliseconds: 1) || mayRead.value)
          if pauses == 300 {
            #expect(sent < total)
            #expect(read.value == 0)
            mayRead.value = true
          }
        }
        #expect(pauses >= 300)
        #expect(try client.answer().status == 200)
      }
      #expect(read.value == total)
    }
  }

  /// A handler that streams `text` some times.
  private func streams(
    _ text: String, times: Int, status: Int = 200
  ) -> @Sendable (HTTPRequestHead) -> HTTPRoute {
    { _ in
      .handle(bodyBytesMax: 0) { _, _, responder in
        let writer = try await responder.stream(status)
        for _ in 0..<times { try await writer.write(Array(text.utf8)) }
        writer.finish()
      }
    }
  }
}
