import CUV
import Glibc

/// Something open on a loop: it stays in memory until libuv has said that it is closed.
///
/// The loop keeps each of these from `opened()` to `forgotten()` and does not return from
/// `run()` before the last one is forgotten.
@safe package class LoopResource {
  package let loop: EventLoop
  /// The libuv handle, in memory of its own; nil for what has none and after its close.
  private(set) var memory: UnsafeMutableRawPointer?
  private(set) var isHandleClosing = false

  init(on loop: EventLoop, handleByteCount: Int = 0) {
    self.loop = loop
    if handleByteCount > 0 {
      unsafe memory = .allocate(byteCount: handleByteCount, alignment: 16)
    }
  }

  deinit {
    // Memory that libuv never heard of, because its init failed; otherwise nil by now.
    unsafe memory?.deallocate()
  }

  /// Told when the loop stops: close, and let the owner know.
  func loopIsStopping() { closeHandle() }

  /// Told once when libuv has let go of the handle.
  func handleClosed() {}

  /// The loop keeps this from now on. Call when the handle has been initialised.
  final func opened() {
    unsafe memory.map {
      unsafe assay_handle($0).pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }
    loop.resources[ObjectIdentifier(self)] = self
  }

  /// The loop keeps this no longer.
  final func forgotten() {
    loop.resources[ObjectIdentifier(self)] = nil
  }

  /// Closes the handle; `handleClosed` follows, never within this call. Once is enough.
  final func closeHandle() {
    loop.assertCurrent()
    guard let memory = unsafe memory, !isHandleClosing else { return }
    isHandleClosing = true
    unsafe uv_close(assay_handle(memory)) { handle in
      guard let data = unsafe handle?.pointee.data else { return }
      let resource = unsafe Unmanaged<LoopResource>.fromOpaque(data).takeUnretainedValue()
      resource.releaseHandle()
    }
  }

  private func releaseHandle() {
    unsafe memory?.deallocate()
    unsafe memory = nil
    forgotten()
    handleClosed()
  }

  /// The resource of type `R` that a callback's handle belongs to.
  @inline(__always)
  static func of(_ data: UnsafeMutableRawPointer?) -> Self? {
    guard let data = unsafe data else { return nil }
    return unsafe Unmanaged<Self>.fromOpaque(data).takeUnretainedValue()
  }
}
