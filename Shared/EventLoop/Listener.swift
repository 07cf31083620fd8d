import CUV
import Glibc

/// A socket that accepts connections on a loop.
///
/// It calls accept4 itself, so that a full descriptor table is seen: a spare descriptor is then
/// given up to take the newcomer and turn it away, instead of leaving it to wake the loop
/// without end. Connections that exist go on.
@safe package final class Listener {
  /// Why a newcomer was turned away.
  package enum RefusalReason: String, Hashable, Sendable {
    /// The descriptor table of the process or the machine is full.
    case descriptors
    /// `ListenerOptions.connectionsMax` connections are open.
    case connections
    /// The kernel or libuv could not make a stream of it.
    case system
  }

  /// Where it listens; port 0 has become the real one.
  package let address: SocketAddress
  package let loop: EventLoop
  /// Connections accepted here and still open.
  package private(set) var connectionCount = 0

  private let descriptor: Int32
  private let options: ListenerOptions
  private let kind: SocketStream.Kind
  private let path: BoundSocketPath?
  private var poll: DescriptorPoll?
  private var spare: Int32 = -1
  private var onAccept: ((SocketStream) -> Void)?
  private var onDescriptor: ((Int32) -> Void)?
  private var onRefused: ((RefusalReason) -> Void)?
  private var resume: LoopTimer?
  private var isClosed = false

  /// How long accepting rests when not even the spare descriptor could be had.
  private static let restDuration = Duration.milliseconds(100)

  /// `descriptor` listens already and does not block; this owns it from now on.
  init(
    _ descriptor: Int32, kind: SocketStream.Kind, address: SocketAddress,
    path: BoundSocketPath? = nil, options: ListenerOptions, on loop: EventLoop
  ) {
    self.descriptor = descriptor
    self.kind = kind
    self.address = address
    self.path = path
    self.options = options
    self.loop = loop
    reserveSpare()
  }

  /// Only one that was never started can go without `close`: the poll keeps the others.
  deinit {
    if !isClosed { release() }
  }

  /// Begins to accept; both closures are called on the loop's thread. Once.
  package func start(
    onAccept: @escaping (SocketStream) -> Void,
    onRefused: @escaping (RefusalReason) -> Void = { _ in }
  ) throws(EventLoopError) {
    loop.assertCurrent()
    guard !isClosed else { throw .loopStopped }
    self.onAccept = onAccept
    try begin(onRefused)
  }

  /// The same for a library that reads and writes by itself: it gets bare descriptors, which do
  /// not block. It owns them, and bounds their number instead of `connectionsMax`.
  package func startHandingOver(
    onDescriptor: @escaping (Int32) -> Void,
    onRefused: @escaping (RefusalReason) -> Void = { _ in }
  ) throws(EventLoopError) {
    loop.assertCurrent()
    guard !isClosed else { throw .loopStopped }
    self.onDescriptor = onDescriptor
    try begin(onRefused)
  }

  private func begin(_ onRefused: @escaping (RefusalReason) -> Void) throws(EventLoopError) {
    self.onRefused = onRefused
    do throws(EventLoopError) {
      // The poll keeps the listener, and the loop keeps the poll, until `close`.
      let poll = try DescriptorPoll(
        descriptor, on: loop, onReady: { _ in self.acceptReady() }, onStop: { self.close() })
      self.poll = poll
      poll.watch()
    } catch {
      close()
      throw error
    }
  }

  /// Stops accepting, frees the port or the path (if its inode is still ours); streams go on.
  package func close() {
    loop.assertCurrent()
    guard !isClosed else { return }
    isClosed = true
    resume?.cancel()
    poll?.close()
    poll = nil
    onAccept = nil
    onDescriptor = nil
    onRefused = nil
    release()
  }

  private func release() {
    path?.unlinkIfOurs()
    Glibc.close(descriptor)
    if spare >= 0 { Glibc.close(spare) }
  }

  // MARK: Accepting

  private func acceptReady() {
    for _ in 0..<options.acceptsPerTurnMax {
      guard !isClosed else { return }
      let accepted = assay_accept(descriptor)
      switch accepted {
      case 0...: take(accepted)
      case -EMFILE, -ENFILE:
        guard refuseWithSpare() else { return }
      case -ENOBUFS, -ENOMEM:
        onRefused?(.system)
        return rest()
      case -EINTR, -ECONNABORTED, -EPERM, -EPROTO: continue
      // EAGAIN: all who waited are in. Network errors of one newcomer are its own affair.
      default: return
      }
    }
  }

  private func take(_ accepted: Int32) {
    if let onDescriptor { return onDescriptor(accepted) }
    guard connectionCount < options.connectionsMax else {
      Glibc.close(accepted)
      onRefused?(.connections)
      return
    }
    do throws(EventLoopError) {
      let stream = try SocketStream.adopt(
        ours: accepted, kind: kind, label: address.description, on: loop)
      connectionCount += 1
      stream.onClosed = { [weak self] in self?.connectionCount -= 1 }
      onAccept?(stream)
    } catch {
      onRefused?(.system)
    }
  }

  /// False when accepting has to rest.
  private func refuseWithSpare() -> Bool {
    guard spare >= 0 else {
      reserveSpare()
      if spare < 0 {
        onRefused?(.descriptors)
        rest()
      }
      return spare >= 0
    }
    Glibc.close(spare)
    spare = -1
    let accepted = assay_accept(descriptor)
    if accepted >= 0 { Glibc.close(accepted) }
    reserveSpare()
    guard accepted >= 0 || accepted == -EMFILE || accepted == -ENFILE else { return false }
    onRefused?(.descriptors)
    // Another thread took the place between: the newcomer still waits, so rest and try again.
    guard accepted >= 0 else {
      rest()
      return false
    }
    return true
  }

  private func reserveSpare() {
    guard spare < 0 else { return }
    spare = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
  }

  private func rest() {
    guard !isClosed else { return }
    poll?.unwatch()
    resume?.cancel()
    resume = loop.schedule(after: Self.restDuration) { [weak self] in self?.poll?.watch() }
  }
}

/// Bounds of one listener.
package struct ListenerOptions: Sendable {
  /// Connections open at once; newcomers beyond are closed at once.
  package var connectionsMax: Int
  /// Connections the kernel completes before they are accepted.
  package var backlog: Int32
  /// Newcomers taken before other sockets are looked at again.
  package var acceptsPerTurnMax: Int

  package init(
    connectionsMax: Int = 10_000, backlog: Int32 = 1024, acceptsPerTurnMax: Int = 64
  ) {
    self.connectionsMax = connectionsMax
    self.backlog = backlog
    self.acceptsPerTurnMax = acceptsPerTurnMax
  }
}
