import CMicroHTTPD
import EventLoop
import Glibc

/// Sees the end of peers, which the library does not while their connections are suspended: an
/// epoll set of our own, told once for each end.
@safe final class PeerWatch {
  private let epoll: Int32
  private var poll: DescriptorPoll?
  private let onEvent: (UInt64, UInt32) -> Void
  private static let eventsPerTurnMax = 256

  init(
    on loop: EventLoop, onEvent: @escaping (UInt64, UInt32) -> Void
  ) throws(EventLoopError) {
    self.onEvent = onEvent
    epoll = assay_new_epoll()
    guard epoll >= 0 else { throw EventLoopError(.descriptorsExhausted, "No epoll set") }
    do throws(EventLoopError) {
      let poll = try DescriptorPoll(
        epoll, on: loop, onReady: { [weak self] _ in self?.read() }, onStop: {})
      self.poll = poll
      poll.watch()
    } catch {
      Glibc.close(epoll)
      throw error
    }
  }

  deinit {
    if poll == nil { return }
    Glibc.close(epoll)
  }

  /// The kernel forgets a socket when it is closed; one that is duplicated before, `remove` does.
  func add(_ connection: Connection, isNew: Bool, forBytes: Bool) {
    _ = assay_watch(
      epoll, connection.descriptor, connection.key, isNew ? 1 : 0, forBytes ? 1 : 0)
  }

  func remove(_ descriptor: Int32) { assay_unwatch(epoll, descriptor) }

  private func read() {
    for _ in 0..<Self.eventsPerTurnMax {
      var events: UInt32 = 0
      let key = unsafe assay_next_event(epoll, &events)
      guard key != .max else { return }
      onEvent(key, events)
    }
  }

  func close() { poll?.close() }
}
