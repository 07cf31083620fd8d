import CUV
import Glibc

/// Watches a descriptor of our own for readiness to read. It does not own the descriptor.
///
/// Everything here belongs to the loop's thread; `close` comes before the descriptor's own.
@safe package final class DescriptorPoll: LoopResource {
  private var onReady: (() -> Void)?
  private var onStop: (() -> Void)?
  private var isWatching = false

  /// `onStop` is called when the loop stops while this is open; it closes what belongs to this.
  package init(
    _ descriptor: Int32, on loop: EventLoop, onReady: @escaping () -> Void,
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

  /// Calls `onReady` in every turn in which there is something to read.
  package func watch() {
    guard !isWatching, !isHandleClosing else { return }
    isWatching = true
    unsafe uv_poll_start(handle, Int32(UV_READABLE.rawValue)) { handle, _, _ in
      // An error shows when the descriptor is read.
      unsafe DescriptorPoll.of(handle?.pointee.data)?.onReady?()
    }
  }

  /// Rests until the next `watch`.
  package func unwatch() {
    guard isWatching, !isHandleClosing else { return }
    isWatching = false
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
