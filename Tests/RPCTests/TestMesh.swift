import EventLoop
import Faults
import Glibc
import Locking
import MeshAddressing
import RPC
import Testing

/// The methods of these tests.
enum TestMethods {
  static let echo = MethodDescriptor(
    service: "test.Echo", method: "Echo", kind: .unary, idempotency: .idempotent, callers: ["*"],
    requestBytesMax: 4 << 20, responseBytesMax: 4 << 20)
  static let once = MethodDescriptor(
    service: "test.Echo", method: "Once", kind: .unary, callers: ["*"])
  static let count = MethodDescriptor(
    service: "test.Echo", method: "Count", kind: .serverStreaming, callers: ["*"])
  static let join = MethodDescriptor(
    service: "test.Echo", method: "Join", kind: .clientStreaming, callers: ["*"])
  static let chat = MethodDescriptor(
    service: "test.Echo", method: "Chat", kind: .bidirectional, callers: ["*"])
  static let secret = MethodDescriptor(
    service: "test.Echo", method: "Secret", kind: .unary, callers: ["gateway"])
  static let stuck = MethodDescriptor(
    service: "test.Echo", method: "Stuck", kind: .unary, callers: ["*"])

  static let descriptor = ServiceDescriptor(
    name: "test.Echo", methods: [echo, once, count, join, chat, secret, stuck],
    descriptorSet: { [] })
}

/// What the handlers of one server saw.
final class Witness: Sendable {
  private struct Seen {
    var calls = 0
    var cancelled = 0
    var events: [ServerEvent] = []
    var gate: [CheckedContinuation<Void, Never>] = []
  }
  private let seen = Lock(Seen())

  var calls: Int { seen.withLock { $0.calls } }
  var cancelled: Int { seen.withLock { $0.cancelled } }
  var events: [ServerEvent] { seen.withLock { $0.events } }

  func noteCall() { seen.withLock { $0.calls += 1 } }
  func noteCancelled() { seen.withLock { $0.cancelled += 1 } }
  func note(_ event: ServerEvent) { seen.withLock { $0.events.append(event) } }
}

/// One server and what it takes to call it, on loops of their own; gone when the test is.
final class TestMesh: Sendable {
  let serverLoop: EventLoop
  let clientLoop: EventLoop
  let server: Server
  let witness = Witness()

  init(
    interceptors: [any ServerInterceptor] = [], callers: CallerTable? = nil,
    limits: ServerLimits = ServerLimits(), sharesLoop: Bool = false
  ) throws {
    let serverLoop = try EventLoop(name: "server")
    let clientLoop = sharesLoop ? serverLoop : try EventLoop(name: "client")
    self.serverLoop = serverLoop
    self.clientLoop = clientLoop
    var options = ServerOptions(callers: callers ?? CallerTable(ownUID: getuid()))
    options.interceptors = interceptors
    options.limits = limits
    let witness = witness
    options.onEvent = { witness.note($0) }
    self.server = Server(
      loop: serverLoop, services: [TestMesh.service(witness, serverLoop)], options: options)
    try serverLoop.start()
    if !sharesLoop { try clientLoop.start() }
  }

  func stop() {
    clientLoop.stop()
    serverLoop.stop()
    clientLoop.join()
    serverLoop.join()
  }

  /// A channel over in-process byte streams.
  func channel(_ change: (inout ChannelOptions) -> Void = { _ in }) -> Channel {
    var options = ChannelOptions()
    options.connector = .inProcess(to: server)
    change(&options)
    return Channel(to: .unix(path: "/in-process"), on: clientLoop, options: options)
  }

  static func service(_ witness: Witness, _ loop: EventLoop) -> ServiceDefinition {
    ServiceDefinition(
      TestMethods.descriptor,
      handlers: [
        .unary(TestMethods.echo) { (request: RawMessage, context) in
          witness.noteCall()
          return try answer(request, context)
        },
        .unary(TestMethods.once) { (request: RawMessage, context) in
          witness.noteCall()
          return try answer(request, context)
        },
        .unary(TestMethods.secret) { (request: RawMessage, _) in request },
        .unary(TestMethods.stuck) { (request: RawMessage, _) -> RawMessage in
          witness.noteCall()
          do {
            try await loop.sleep(for: .seconds(600))
          } catch {
            witness.noteCancelled()
            throw error
          }
          return request
        },
        .serverStreaming(TestMethods.count) {
          (request: RawMessage, responses: ResponseWriter<RawMessage>, _) in
          witness.noteCall()
          for index in 0..<(Int(request.text) ?? 0) {
            try await responses.send(RawMessage(String(index)))
          }
        },
        .clientStreaming(TestMethods.join) { (requests: RequestStream<RawMessage>, _) in
          var joined: [UInt8] = []
          for try await request in requests { joined += request.bytes }
          return RawMessage(joined)
        },
        .bidirectional(TestMethods.chat) {
          (requests: RequestStream<RawMessage>, responses: ResponseWriter<RawMessage>, _) in
          for try await request in requests { try await responses.send(request) }
        },
      ])
  }

  private static func answer(
    _ request: RawMessage, _ context: ServerContext
  ) throws -> RawMessage {
    switch request.text {
    case "fault":
      throw Fault(
        .failedPrecondition, reason: "TEST", "No.", retryAfter: .seconds(3), hint: "Ask again.",
        facts: ["limit": "x"], violations: [.init(field: "a.b", description: "bad")])
    case "unknown error":
      struct Private: Error {}
      throw Private()
    case "metadata":
      context.addInitial(context.metadata)
      context.addTrailing(context.metadata)
      return request
    default:
      return request
    }
  }
}

/// Waits until `condition` holds; a deadline stands behind it, far enough for a sanitizer's run,
/// where a task may wait until all other tests have had their turn.
func eventually(
  _ what: String, within limit: Duration = .seconds(60), on loop: EventLoop,
  _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while try await !condition() {
    try #require(ContinuousClock.now < deadline, "\(what) did not happen in \(limit)")
    try await loop.sleep(for: .milliseconds(2))
  }
}
