import CUV
import Glibc

/// What a descriptor is ready for.
package struct Readiness: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let read = Readiness(rawValue: 1)
  package static let write = Readiness(rawValue: 2)
  /// The descriptor has an error; it is watched no longer.
  package static let error = Readiness(rawValue: 4)

  fileprivate var events: Int32 {
    (contains(.read) ? Int32(UV_READABLE.rawValue) : 0)
      | (contains(.write) ? Int32(UV_WRITABLE.rawValue) : 0)
  }

  fileprivate init(status: Int32, events: Int32) {
    self = status < 0 ? .error : []
    if events & Int32(UV_READABLE.rawValue) != 0 { insert(.read) }
    if events & Int32(UV_WRITABLE.rawValue) != 0 { insert(.write) }
  }
}

/// Watches a descriptor for readiness. It does not own the descriptor: whoever does calls
/// `close()` before closing it.
@safe package final class DescriptorPoll: LoopResource {
  private var onReady: ((Readiness) -> Void)?
  private var onStop: (() -> Void)?
  /// What it watches for.
  package private(set) var watched: Readiness = []

  /// Both closures are called on the loop's thread. `onStop` is called when the loop stops while
  /// this is open; it closes what belongs to this.
  package init(
    _ descriptor: Int32, on loop: EventLoop, onReady: @escaping (Readiness) -> Void,
    onStop: @escaping () -> Void
  ) throws(EventLoopError) {
    guard !loop.isClosing else { throw .loopStopped }
    self.onReady = onReady
    self.onStop = onStop
    unsafe super.init(on: loop, handleByteCount: MemoryLayout<uv_poll_t>.size)
    let status = unsafe uv_poll_init(assay_uv_loop(loop.handles), handle, descriptor)
    guard status == 0 else {
      throw EventLoopError(system: status, "The descriptor \(descriptor) cannot be watched")
    }
    opened()
  }

  private var handle: UnsafeMutablePointer<uv_poll_t>? {
    unsafe memory?.assumingMemoryBound(to: uv_poll_t.self)
  }

  /// Watches for `wanted` from now on, and for nothing else; the same again costs nothing.
  package func watch(_ wanted: Readiness = .read) {
    guard watched != wanted, !isHandleClosing else { return }
    watched = wanted
    unsafe uv_poll_start(handle, wanted.events) { handle, status, events in
      guard let poll = unsafe DescriptorPoll.of(handle?.pointee.data) else { return }
      // After an error libuv has stopped to watch; it shows when the descriptor is read.
      if status < 0 { poll.watched = [] }
      poll.onReady?(Readiness(status: status, events: events))
    }
  }

  package func unwatch() {
    guard !watched.isEmpty, !isHandleClosing else { return }
    watched = []
    unsafe uv_poll_stop(handle)
  }

  /// From here on nobody is called, and the descriptor may be closed at once.
  package func close() {
    onReady = nil
    onStop = nil
    closeHandle()
  }

  override func loopIsStopping() {
    let onStop = onStop.take()
    onStop?()
    close()
  }
}
