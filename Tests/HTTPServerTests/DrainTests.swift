import EventLoop
import Glibc
import HTTPServer
import Lifecycle
import Testing

@Suite(.timeLimit(.minutes(1))) struct DrainTests {
  @Test func `a drain lets requests end, closes idle connections, and takes no more`()
    async throws
  {
    let mayGo = Shelf(false)
    let hasStarted = Shelf(false)
    try await withDoor(route: { head in
      guard head.path == "/wait" else { return standardRoute(head) }
      return .handle(bodyBytesMax: 0) { _, _, responder in
        hasStarted.value = true
        while !mayGo.value { await Task.yield() }
        responder.respond(HTTPResponse(200, body: Array("done".utf8)))
      }
    }) { door in
      async let idle = door.client { client in
        #expect(try client.get("/say/x").status == 200)
        return try client.rest()
      }
      async let busy = door.client { client in
        let answer = try client.get("/wait")
        #expect(try client.rest().isEmpty)
        return answer
      }
      try await eventually("started") { hasStarted.value }
      async let drained: Void = door.server.drain()
      #expect(try await idle.isEmpty)
      try await eventually("refused") {
        (try? await door.client { try $0.get("/say/x") }) == nil
      }
      mayGo.value = true
      let answer = try await busy
      #expect(answer.text == "done")
      #expect(answer.header("connection") == "close")
      await drained
      #expect(await door.server.connectionCount() == 0)
    }
  }

  @Test func `a drain cuts what does not end in time`() async throws {
    var limits = HTTPServerLimits()
    limits.drainTimeout = .milliseconds(200)
    let outcome = Shelf<HTTPConnectionError?>(nil)
    let hasStarted = Shelf(false)
    try await withDoor(
      limits,
      route: { _ in
        .handle(bodyBytesMax: 0) { _, _, responder in
          let writer = try await responder.stream(200)
          hasStarted.value = true
          do {
            while true {
              try await writer.write([1])
              await Task.yield()
            }
          } catch {
            outcome.value = error as? HTTPConnectionError
          }
        }
      }
    ) { door in
      async let stream = door.client { client in
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return try client.rest()
      }
      try await eventually("started") { hasStarted.value }
      await door.server.drain()
      #expect(try await !stream.isEmpty)
      try await eventually("told") { outcome.value == .clientGone }
    }
  }

  @Test func `a server that nobody holds any more closes, and its handlers go on`() async throws {
    let loop = try EventLoop(name: "door")
    try loop.start()
    let pool = BlockingPool(name: "client")
    let mayGo = Shelf(false)
    let hasStarted = Shelf(false)
    let outcome = Shelf<HTTPConnectionError?>(nil)
    var server: HTTPServer? = HTTPServer(on: loop) { _ in
      .handle(bodyBytesMax: 0) { _, _, responder in
        hasStarted.value = true
        while !mayGo.value { await Task.yield() }
        responder.respond(HTTPResponse(200))
        do {
          _ = try await responder.stream(200)
        } catch { outcome.value = error as? HTTPConnectionError }
      }
    }
    let address = try #require(
      try await server?.listen(on: .tcp(host: "127.0.0.1", port: 0)))
    async let said = pool.run {
      let client = try RawClient(address)
      try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      return try client.rest()
    }
    try await eventually("started") { hasStarted.value }
    server = nil
    #expect(try await said.isEmpty)
    mayGo.value = true
    try await eventually("the handler ended") { outcome.value == .alreadyAnswered }
    loop.stop()
    try await pool.run { loop.join() }
  }

  @Test func `it runs until the lifecycle's signal`() async throws {
    try await withDoor { door in
      let signal = ShutdownSignal()
      let run = Task {
        try await ShutdownSignal.$current.withValue(signal) { try await door.server.run() }
      }
      let served = try await door.client { try $0.get("/say/x") }
      #expect(served.status == 200)
      signal.request()
      try await run.value
      #expect((try? await door.client { try $0.get("/say/x") }) == nil)
    }
  }

  @Test func `a loop that stops takes suspended requests and streams along`() async throws {
    for _ in 0..<5 {
      let started = Shelf(0)
      try await withDoor(route: { head in
        .handle(bodyBytesMax: 0) { _, _, responder in
          let writer = head.path == "/stream" ? try await responder.stream(200) : nil
          started.change { $0 += 1 }
          while true {
            await withCheckedContinuation { _ = Unfinished.keep($0) }
            try await writer?.write([1])
          }
        }
      }) { door in
        let address = door.address
        let clients = try await door.pool.run {
          let clients = try (0..<6).map { _ in try RawClient(address) }
          for (index, client) in clients.enumerated() {
            try client.send(
              "GET /\(index.isMultiple(of: 2) ? "stream" : "wait") HTTP/1.1\r\nHost: a\r\n\r\n")
          }
          return Kept(clients)
        }
        try await eventually("all wait") { started.value == 6 }
        withExtendedLifetime(clients) {}
      }
      Unfinished.resumeAll()
    }
  }
}

/// Clients held by a test's task between two scripts; nobody touches them meanwhile.
private struct Kept: @unchecked Sendable {
  let clients: [RawClient]

  init(_ clients: [RawClient]) { self.clients = clients }
}

/// Waits that only end after their loop.
private enum Unfinished {
  private static let waiting = Shelf<[CheckedContinuation<Void, Never>]>([])

  static func keep(_ continuation: CheckedContinuation<Void, Never>) -> Int {
    waiting.change { $0.append(continuation) }
    return 0
  }

  static func resumeAll() {
    let all = waiting.value
    waiting.value = []
    for continuation in all { continuation.resume() }
  }
}
