import EventLoop
import Glibc

/// What one server holds on its loop: listeners, daemons, connections, and the count of it all.
///
/// `@unchecked Sendable`: constants aside, everything is touched on `loop` alone.
final class ServerCore: @unchecked Sendable {
  let loop: EventLoop
  let limits: HTTPServerLimits
  let route: @Sendable (HTTPRequestHead) -> HTTPRoute
  let errorBody: @Sendable (HTTPRefusal, HTTPRequestHead?) -> HTTPResponse
  private let onEvent: @Sendable (HTTPServerEvent) -> Void

  private var listeners: [Listener] = []
  private var daemons: [Daemon] = []
  /// Opened with the first listener, so there before the first connection.
  private(set) var watch: PeerWatch?
  private(set) var connections: [UInt64: Connection] = [:]
  private var perHost: [String: Int] = [:]
  private var lingering: [ObjectIdentifier: Lingering] = [:]
  private var lastKey: UInt64 = 0
  private var inspection: LoopTimer?
  private var requestCount = 0
  private var heldBodies: HeldBodies
  private(set) var isDraining = false
  private var isStopped = false
  private var drained: [() -> Void] = []
  private var drainTimer: LoopTimer?

  init(
    _ loop: EventLoop, _ limits: HTTPServerLimits,
    errorBody: @escaping @Sendable (HTTPRefusal, HTTPRequestHead?) -> HTTPResponse,
    onEvent: @escaping @Sendable (HTTPServerEvent) -> Void,
    route: @escaping @Sendable (HTTPRequestHead) -> HTTPRoute
  ) {
    self.loop = loop
    self.limits = limits
    heldBodies = HeldBodies(limits)
    self.errorBody = errorBody
    self.onEvent = onEvent
    self.route = route
  }

  func report(_ kind: HTTPServerEvent.Kind, _ peer: HTTPPeer?) {
    onEvent(HTTPServerEvent(kind: kind, peer: peer))
  }

  // MARK: Connections

  func add(_ listener: Listener) throws(EventLoopError) {
    guard !isDraining, !isStopped else { throw EventLoopError(.loopStopped, "The server drains") }
    if watch == nil {
      watch = try PeerWatch(on: loop) { [weak self] key, events in
        self?.connections[key]?.peerSaid(events)
      }
    }
    try listener.startHandingOver(
      onDescriptor: { [weak self] descriptor in
        guard let self else { Glibc.close(descriptor); return }
        accept(descriptor)
      },
      onRefused: { [weak self] _ in self?.report(.notAccepted, nil) })
    listeners.append(listener)
  }

  private func accept(_ descriptor: Int32) {
    let peer = HTTPPeer(of: descriptor)
    if case .tcp = peer {
      var yes: Int32 = 1
      unsafe setsockopt(
        descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }
    let host = peer.countedHost
    let ofHost = host.flatMap { perHost[$0] } ?? 0
    guard connections.count < limits.connectionsMax, ofHost < limits.connectionsPerPeerMax else {
      report(.refused(.tooManyConnections), peer)
      RawAnswer.send(errorBody(.tooManyConnections, nil), to: descriptor)
      Glibc.shutdown(descriptor, Int32(SHUT_WR))
      return linger(owned: descriptor)
    }
    lastKey += 1
    guard let daemon = daemonWithRoom() else {
      Glibc.close(descriptor)
      return report(.notAccepted, peer)
    }
    // On failure the library has closed the socket.
    guard let connection = daemon.take(descriptor, peer: peer, key: lastKey) else {
      return report(.notAccepted, peer)
    }
    connections[connection.key] = connection
    connection.watchForEnd()
    if let host { perHost[host] = ofHost + 1 }
    inspectLater()
  }

  private func daemonWithRoom() -> Daemon? {
    if let daemon = daemons.first(where: \.hasRoom) { return daemon }
    guard let daemon = try? Daemon(self) else { return nil }
    daemons.append(daemon)
    return daemon
  }

  func connectionClosed(_ connection: Connection) {
    guard connections.removeValue(forKey: connection.key) != nil else { return }
    if let host = connection.peer.countedHost, let count = perHost[host] {
      perHost[host] = count > 1 ? count - 1 : nil
    }
    settle()
  }

  private func inspectLater() {
    guard inspection == nil, !connections.isEmpty, !isStopped else { return }
    inspection = loop.schedule(after: .seconds(1)) { [weak self] in
      guard let self else { return }
      inspection = nil
      let now = loop.nowNanoseconds
      for connection in connections.values { connection.inspect(at: now) }
      inspectLater()
    }
  }

  // MARK: Lingering

  /// Keeps a socket that the library is about to close, to read what still comes.
  func linger(_ descriptor: Int32) {
    watch?.remove(descriptor)
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    if copy >= 0 { linger(owned: copy) }
  }

  private func linger(owned descriptor: Int32) {
    guard lingering.count < limits.lingeringMax, !isStopped else {
      Glibc.close(descriptor)
      return
    }
    var key: ObjectIdentifier?
    let lingerer = try? Lingering(descriptor, on: loop, limits: limits) { [weak self] in
      if let key { self?.lingering[key] = nil }
    }
    guard let lingerer else { return }
    key = ObjectIdentifier(lingerer)
    lingering[ObjectIdentifier(lingerer)] = lingerer
  }

  // MARK: Requests

  var hasRoomForRequest: Bool { requestCount < limits.requestsMax }
  func requestStarted() { requestCount += 1 }

  func requestEnded() {
    requestCount -= 1
    settle()
  }

  /// Whether a body of unknown length may grow by so much.
  func holdBody(_ count: Int) -> Bool { heldBodies.take(count) }

  func holdBody(releasing count: Int) {
    heldBodies.release(count)
    for exchange in heldBodies.admitWaiting() { exchange.roomCame() }
  }

  func holdBody(changingBy count: Int) { heldBodies.release(-count) }

  /// Makes room for a whole body, at once or later by `roomCame`.
  func holdBody(_ count: Int, for exchange: Exchange) -> HeldBodies.Room {
    let room = heldBodies.ask(count, for: exchange)
    if room == .later {
      loop.schedule(after: limits.largeBodyPatience) { [weak self, weak exchange] in
        guard let self, let exchange, heldBodies.giveUp(exchange) else { return }
        exchange.roomNeverCame()
      }
    }
    return room
  }

  func stopsWaiting(_ exchange: Exchange) { _ = heldBodies.giveUp(exchange) }

  // MARK: The end

  /// Stops accepting, lets running requests end within the limit, then closes everything.
  func drain(_ done: @escaping () -> Void) {
    drained.append(done)
    guard !isDraining else { return settle() }
    isDraining = true
    closeListeners()
    for connection in connections.values where connection.isIdle { connection.cut() }
    drainTimer = loop.schedule(after: limits.drainTimeout) { [weak self] in self?.stop() }
    settle()
  }

  /// Also called by the loop when it stops.
  func stop() {
    guard !isStopped else { return }
    isStopped = true
    isDraining = true
    closeListeners()
    inspection?.cancel()
    inspection = nil
    let stopping = daemons
    daemons = []
    for daemon in stopping { daemon.stop() }
    for lingerer in Array(lingering.values) { lingerer.end() }
    lingering = [:]
    watch?.close()
    settle()
  }

  private func closeListeners() {
    for listener in listeners { listener.close() }
    listeners = []
  }

  private func settle() {
    guard isDraining, !drained.isEmpty, isStopped || connections.isEmpty && requestCount == 0 else {
      return
    }
    drainTimer?.cancel()
    drainTimer = nil
    let waiting = drained
    drained = []
    // After the callback that this is in: the last connection is only just closing.
    loop.execute { [self] in stop() }
    for done in waiting { done() }
  }

  var connectionCount: Int { connections.count }
}
