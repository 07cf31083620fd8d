import CMicroHTTPD
import EventLoop

/// One of libmicrohttpd's daemons, driven by the loop: it runs when its epoll descriptor is ready,
/// and at the end of a turn that has given it something to do.
///
/// Each resume makes a daemon look at all its suspended connections, so a server has many of them
/// with `connectionsMax` each, instead of one with thousands of streams.
@safe final class Daemon: TurnEnding {
  static let connectionsMax = 256
  /// Runs before other sockets and timers get their turn.
  private static let roundsMax = 8

  unowned let core: ServerCore
  private let loop: EventLoop
  private var handle: OpaquePointer?
  private var poll: DescriptorPoll?
  /// Connections the library has not closed yet.
  private(set) var connections: [UInt64: Connection] = [:]
  /// The one that the library is just taking over.
  private var arriving: Connection?
  /// Those that must be made to read.
  private var reading: [Connection] = []
  private var isRunning = false
  private var runsAgain = false

  init(_ core: ServerCore) throws(EventLoopError) {
    self.core = core
    loop = core.loop
    let calls = unsafe assay_mhd_callbacks(
      access: daemonAccess, completed: daemonCompleted, connection: daemonConnection,
      target: daemonTarget)
    let own = unsafe Unmanaged.passUnretained(self).toOpaque()
    guard
      let handle = unsafe assay_mhd_start(
        calls, own, core.limits.connectionMemoryBytes, UInt32(Self.connectionsMax))
    else { throw EventLoopError(.system, "The HTTP library could not be started") }
    unsafe self.handle = handle
    let descriptor = unsafe assay_mhd_epoll(handle)
    do throws(EventLoopError) {
      let poll = try DescriptorPoll(
        descriptor, on: loop, onReady: { _ in self.run() }, onStop: { [weak core] in core?.stop() })
      self.poll = poll
      poll.watch()
    } catch {
      stop()
      throw error
    }
  }

  var hasRoom: Bool { connections.count < Self.connectionsMax }

  /// Gives a connected socket to the library, which owns it from now on.
  func take(_ descriptor: Int32, peer: HTTPPeer, key: UInt64) -> Connection? {
    guard let handle = unsafe handle else { return nil }
    let connection = Connection(descriptor, peer: peer, key: key, daemon: self)
    arriving = connection
    defer { arriving = nil }
    guard unsafe assay_mhd_add(handle, descriptor) != 0, unsafe connection.handle != nil else {
      return nil
    }
    schedule()
    return connection
  }

  fileprivate func began(_ handle: OpaquePointer) -> UnsafeMutableRawPointer? {
    guard let connection = arriving else { return nil }
    unsafe connection.handle = handle
    connections[connection.key] = connection
    return unsafe Unmanaged.passUnretained(connection).toOpaque()
  }

  fileprivate func ended(_ connection: Connection) {
    connections[connection.key] = nil
    connection.closed()
  }

  // MARK: Running

  /// Runs soon: at the end of this turn, or again when it runs just now.
  func schedule() {
    if isRunning { runsAgain = true } else { loop.atEndOfTurn(self) }
  }

  func turnEnded() { run() }

  /// Makes the library read from `connection` when it runs next.
  func read(_ connection: Connection) {
    guard !reading.contains(where: { $0 === connection }) else { return }
    reading.append(connection)
    schedule()
  }

  private func readOnce() {
    guard !reading.isEmpty else { return }
    let due = reading
    reading = []
    let again = due.filter { $0.readOnce() }
    reading += again
  }

  private func run() {
    guard let handle = unsafe handle, !isRunning else { return }
    isRunning = true
    var rounds = 0
    repeat {
      runsAgain = false
      readOnce()
      unsafe MHD_run(handle)
      rounds += 1
    } while unsafe rounds < Self.roundsMax && hasMore(handle)
    isRunning = false
    if unsafe hasMore(handle) { loop.atEndOfNextTurn(self) }
  }

  private func hasMore(_ handle: OpaquePointer) -> Bool {
    if runsAgain || !reading.isEmpty { return true }
    return unsafe assay_mhd_is_busy(handle) != 0
  }

  /// Closes every connection. Not from within a callback of the library.
  func stop() {
    guard let handle = unsafe handle.take() else { return }
    poll?.close()
    poll = nil
    // The library stops the process when it is stopped with connections still suspended.
    for connection in Array(connections.values) { connection.release() }
    unsafe MHD_stop_daemon(handle)
  }
}

// MARK: - The library's callbacks: on the loop's thread, from within `MHD_run` or `take`

private func daemon(_ owner: UnsafeMutableRawPointer?) -> Daemon? {
  guard let owner = unsafe owner else { return nil }
  return unsafe Unmanaged<Daemon>.fromOpaque(owner).takeUnretainedValue()
}

/// Our side of a connection: in the request's context from its target on.
private func connection(_ context: UnsafeMutableRawPointer?) -> Connection? {
  guard let context = unsafe context else { return nil }
  return unsafe Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue()
}

private let daemonTarget: assay_mhd_target = { _, target, handle in
  guard let handle = unsafe handle, let context = unsafe assay_mhd_context(handle) else {
    return nil
  }
  unsafe connection(context)?.read(target: target)
  return unsafe context
}

private let daemonAccess: MHD_AccessHandlerCallback = {
  _, _, _, method, _, bytes, count, context in
  guard let own = unsafe connection(context?.pointee), let method = unsafe method,
    let count = unsafe count
  else { return .NO }
  let outcome: AccessOutcome
  if own.exchange == nil {
    outcome = own.headArrived(unsafe RawHead(method: method))
  } else if unsafe count.pointee > 0 {
    let body = unsafe UnsafeRawBufferPointer(start: bytes, count: count.pointee)
    guard let taken = unsafe own.bodyArrived(body) else { return .NO }
    unsafe count.pointee -= taken
    outcome = .goOn
  } else {
    outcome = own.requestArrived()
  }
  return outcome == .goOn ? .YES : .NO
}

private let daemonCompleted: MHD_RequestCompletedCallback = { _, _, context, code in
  let isComplete = code == .REQUEST_TERMINATED_COMPLETED_OK
  unsafe connection(context?.pointee)?.requestCompleted(isComplete: isComplete)
}

private let daemonConnection: MHD_NotifyConnectionCallback = { owner, handle, context, code in
  guard let own = unsafe daemon(owner), let handle = unsafe handle, let context = unsafe context
  else { return }
  if code == .CONNECTION_NOTIFY_STARTED {
    unsafe context.pointee = own.began(handle)
  } else if let ended = unsafe connection(context.pointee) {
    unsafe context.pointee = nil
    own.ended(ended)
  }
}
