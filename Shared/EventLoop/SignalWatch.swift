import CUV
import Glibc

/// Calls back on a loop's thread for each delivery of a signal; the default action is off as
/// long as one watch of that signal is open anywhere in the process.
@safe package final class SignalWatch: LoopResource {
  package let signal: Int32
  private var onSignal: (() -> Void)?

  /// Watches until `close()`; SIGKILL and SIGSTOP cannot be watched.
  package init(
    _ signal: Int32, on loop: EventLoop, onSignal: @escaping () -> Void
  ) throws(EventLoopError) {
    loop.assertCurrent()
    guard !loop.isClosing else { throw .loopStopped }
    self.signal = signal
    self.onSignal = onSignal
    unsafe super.init(on: loop, handleByteCount: MemoryLayout<uv_signal_t>.size)
    let status = unsafe uv_signal_init(assay_uv_loop(loop.handles), handle)
    guard status == 0 else { throw EventLoopError(system: status, "Watching signals") }
    opened()
    let started = unsafe uv_signal_start(
      handle, { handle, _ in unsafe SignalWatch.of(handle?.pointee.data)?.onSignal?() }, signal)
    guard started == 0 else {
      closeHandle()
      throw EventLoopError(system: started, "Watching signal \(signal)")
    }
  }

  private var handle: UnsafeMutablePointer<uv_signal_t>? {
    unsafe memory?.assumingMemoryBound(to: uv_signal_t.self)
  }

  /// No call comes after this.
  package func close() {
    loop.assertCurrent()
    onSignal = nil
    closeHandle()
  }

  override func loopIsStopping() { close() }
}
