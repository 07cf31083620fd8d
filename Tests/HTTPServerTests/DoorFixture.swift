import EventLoop
import HTTPServer
import Locking
import Synchronization
import Testing

/// A server on a loop of its own, and threads for the blocking clients of a test.
struct Door: Sendable {
  let server: HTTPServer
  let loop: EventLoop
  let address: SocketAddress
  let pool: BlockingPool
  let events: Events

  /// Runs a client's script on a thread of its own.
  @discardableResult
  func client<R: Sendable>(
    receiveBufferBytes: Int32 = 0, _ script: @escaping @Sendable (RawClient) throws -> R
  ) async throws -> R {
    let address = address
    return try await pool.run {
      try script(RawClient(address, receiveBufferBytes: receiveBufferBytes))
    }
  }
}

/// What the server had to report.
final class Events: Sendable {
  private let kept = Lock<[HTTPServerEvent]>([])

  func add(_ event: HTTPServerEvent) { kept.withLock { $0.append(event) } }

  var refusals: [HTTPRefusal] {
    kept.withLock { events in
      events.compactMap { if case .refused(let refusal) = $0.kind { refusal } else { nil } }
    }
  }

  var failures: [String] {
    kept.withLock { events in
      events.compactMap { if case .handlerFailed(let text) = $0.kind { text } else { nil } }
    }
  }

  var hasStalledClient: Bool {
    kept.withLock { events in
      events.contains { if case .stalledClient = $0.kind { true } else { false } }
    }
  }
}

/// A value that tests and handlers share.
final class Shelf<Value: Sendable>: Sendable {
  private let lock: Lock<Value>

  init(_ value: Value) { lock = Lock(value) }

  var value: Value {
    get { lock.withLock { $0 } }
    set { lock.withLock { $0 = newValue } }
  }

  func change(_ body: @Sendable (inout Value) -> Void) { lock.withLock { body(&$0) } }
}

func withDoor<R>(
  _ limits: HTTPServerLimits = HTTPServerLimits(),
  at wanted: SocketAddress = .tcp(host: "127.0.0.1", port: 0), mode: UInt32 = 0o660,
  route: @escaping @Sendable (HTTPRequestHead) -> HTTPRoute = standardRoute,
  _ body: (Door) async throws -> R
) async throws -> R {
  let loop = try EventLoop(name: "door")
  try loop.start()
  let pool = BlockingPool(name: "client", threadsMax: 16)
  let events = Events()
  let server = HTTPServer(
    on: loop, limits: limits,
    errorBody: { refusal, head in
      .json(
        refusal.status, Array("{\"refusal\":\"\(refusal)\",\"for\":\"\(head?.path ?? "")\"}".utf8))
    },
    onEvent: { events.add($0) }, route: route)
  func end() async {
    loop.stop()
    try? await pool.run { loop.join() }
  }
  do {
    let address = try await server.listen(on: wanted, mode: mode)
    let door = Door(server: server, loop: loop, address: address, pool: pool, events: events)
    let result = try await body(door)
    await end()
    return result
  } catch {
    await end()
    throw error
  }
}

/// What most tests ask for: `/echo` answers the body, `/say/x` its path, `/later` after a hop.
@Sendable func standardRoute(_ head: HTTPRequestHead) -> HTTPRoute {
  switch head.path {
  case "/echo":
    .handle(bodyBytesMax: 16 << 20) { _, body, responder in
      responder.respond(HTTPResponse(200, ["content-type": "text/plain"], body: body))
    }
  case "/later":
    .handle(bodyBytesMax: 1 << 20) { _, body, responder in
      await Task.yield()
      responder.respond(HTTPResponse(200, body: body))
    }
  case let path where path.hasPrefix("/say/"):
    .handle(bodyBytesMax: 0) { _, _, responder in
      responder.respond(HTTPResponse(200, body: Array(path.utf8)))
    }
  default: .refuse(HTTPResponse(404, body: Array("nothing here".utf8)))
  }
}

/// Waits until `isTrue`, fails the test after ten seconds.
func eventually(
  _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation,
  _ isTrue: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + .seconds(10)
  while ContinuousClock.now < deadline {
    if try await isTrue() { return }
    await Task.yield()
  }
  Issue.record(what, sourceLocation: sourceLocation)
}
