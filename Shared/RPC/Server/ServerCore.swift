import EventLoop
import Faults
import HTTP2
import Locking
import RPCStream

/// What one server holds on its loop: connections, handlers, the state of its drain.
///
/// `@unchecked Sendable`: handlers and options never change; everything else is touched on
/// `loop` alone.
final class ServerCore: @unchecked Sendable {
  let loop: EventLoop
  let options: ServerOptions
  let methods: MethodTable
  private let services: Set<String>

  // Loop only.
  private var connections: [ObjectIdentifier: ServerConnection] = [:]
  private var listeners: [Listener] = []
  private var inspection: LoopTimer?
  private(set) var activeCalls = 0
  private(set) var isDraining = false
  private(set) var isPastNotice = false
  private var drained: [Waiter<Void, Never>] = []

  init(loop: EventLoop, services: [ServiceDefinition], options: ServerOptions) {
    self.loop = loop
    self.options = options
    self.methods = MethodTable(services.flatMap(\.handlers).map { ServedMethod($0, on: loop) })
    self.services = Set(services.map(\.descriptor.name))
  }

  // MARK: Connections

  func add(_ listener: Listener) throws(EventLoopError) {
    try listener.start(
      onAccept: { [weak self] stream in self?.accept(stream) },
      onRefused: { [weak self] reason in
        self?.options.onEvent(
          ServerEvent(kind: .limit, peer: "", connection: "", detail: "\(reason)"))
      })
    listeners.append(listener)
  }

  func accept(_ stream: any ByteStream) {
    guard !isDraining, connections.count < options.limits.connectionsMax else {
      if !isDraining {
        options.onEvent(
          ServerEvent(
            kind: .limit, peer: "", connection: stream.label, detail: "connections"))
      }
      return stream.close()
    }
    guard let connection = try? ServerConnection(stream, server: self) else {
      return stream.close()
    }
    connections[ObjectIdentifier(connection)] = connection
    connection.start()
    inspectLater()
  }

  func connectionClosed(_ connection: ServerConnection, _ reason: String?) {
    connections[ObjectIdentifier(connection)] = nil
    if let reason, reason != "the peer closed the connection" {
      log(.connectionLost, connection, reason)
    }
    settle()
  }

  private func inspectLater() {
    guard inspection == nil, !connections.isEmpty else { return }
    inspection = loop.schedule(after: .seconds(1)) { [weak self] in
      guard let self else { return }
      inspection = nil
      let now = loop.nowNanoseconds
      for connection in connections.values { connection.inspect(at: now) }
      inspectLater()
    }
  }

  // MARK: Calls

  func run(_ stream: ServerStream) -> Task<Void, Never> {
    Task(executorPreference: stream.served.executor) { [interceptors = options.interceptors] in
      do {
        // Each function in between costs memory of the task.
        if interceptors.isEmpty, stream.deadlineNanoseconds == nil {
          try await stream.call.run(ServerContext(stream: stream))
        } else {
          try await ServerCore.run(stream, interceptors)
        }
        stream.finish(nil)
      } catch {
        stream.finish(Fault(describing: error))
      }
    }
  }

  private static func run(
    _ stream: ServerStream, _ interceptors: [any ServerInterceptor]
  ) async throws {
    let context = ServerContext(stream: stream)
    guard let deadline = stream.deadlineNanoseconds else {
      return try await run(context, interceptors[...])
    }
    try await CallDeadline.$nanoseconds.withValue(deadline) {
      try await run(context, interceptors[...])
    }
  }

  private static func run(
    _ context: ServerContext, _ interceptors: ArraySlice<any ServerInterceptor>
  ) async throws {
    guard let first = interceptors.first else {
      return try await context.stream.call.run(context)
    }
    try await first.intercept(context) {
      try await run(context, interceptors.dropFirst())
    }
  }

  func callStarted() { activeCalls += 1 }

  func callEnded(_ stream: ServerStream) {
    activeCalls -= 1
    if let fault = stream.shared.withLock({ $0.fault }), let cause = fault.cause {
      options.onEvent(
        ServerEvent(
          kind: .handlerFailed, peer: stream.peer.label,
          connection: stream.method.path, detail: cause))
    }
    settle()
  }

  func unknownMethod(_ path: String) -> Fault {
    let service = path.split(separator: "/").first.map(String.init) ?? ""
    let what = services.contains(service) ? "method" : "service"
    return Fault(
      .unimplemented, reason: "UNKNOWN_\(what.uppercased())",
      "This server has no \(what) '\(path.prefix(200))'.")
  }

  func refused(_ peer: PeerIdentity, _ method: MethodDescriptor) {
    options.onEvent(
      ServerEvent(
        kind: .callerRefused, peer: peer.label, connection: method.path, detail: "callers"))
  }

  func log(_ kind: ServerEvent.Kind, _ connection: ServerConnection, _ detail: String) {
    options.onEvent(
      ServerEvent(
        kind: kind, peer: connection.peer.label, connection: connection.label, detail: detail))
  }

  // MARK: Drain

  /// Two words and a deadline: "no new calls, please", "this was the last one", "time is up".
  func drain(_ done: Waiter<Void, Never>?) {
    if let done { drained.append(done) }
    guard !isDraining else { return settle() }
    isDraining = true
    for listener in listeners { listener.close() }
    listeners = []
    for connection in connections.values { connection.drain() }
    _ = loop.schedule(after: options.limits.drainNotice) { [weak self] in
      guard let self else { return }
      isPastNotice = true
      for connection in connections.values { connection.finishDrain() }
      settle()
    }
    _ = loop.schedule(after: options.limits.drainTimeout) { [weak self] in self?.cutDrain() }
  }

  private func cutDrain() {
    let fault = Fault(
      .unavailable, reason: "SHUTTING_DOWN", "The server shut down before the call was done.")
    for connection in connections.values { connection.cancelCalls(fault) }
    _ = loop.schedule(after: .milliseconds(200)) { [weak self] in
      guard let self else { return }
      for connection in connections.values { connection.close("drain") }
      connections = [:]
      settle()
    }
  }

  /// Nobody holds the server any more: everything closes without a word.
  func abandon() {
    inspection?.cancel()
    inspection = nil
    for listener in listeners { listener.close() }
    listeners = []
    for connection in connections.values { connection.close("the server is gone") }
  }

  private func settle() {
    guard isPastNotice, connections.isEmpty else { return }
    inspection?.cancel()
    inspection = nil
    let waiting = drained
    drained = []
    for waiter in waiting { waiter.resume() }
  }
}
