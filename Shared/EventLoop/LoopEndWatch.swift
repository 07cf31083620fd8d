/// Tells once that its loop is stopping, on the loop's thread, unless it was closed before.
///
/// For whoever has callers waiting with nothing else open on the loop.
@safe package final class LoopEndWatch: LoopResource {
  private var onStop: (() -> Void)?

  /// Loop's thread only, as everything here.
  package init(on loop: EventLoop, onStop: @escaping () -> Void) throws(EventLoopError) {
    loop.assertCurrent()
    guard !loop.isClosing else { throw .loopStopped }
    self.onStop = onStop
    super.init(on: loop)
    opened()
  }

  package func close() {
    loop.assertCurrent()
    onStop = nil
    forgotten()
  }

  override func loopIsStopping() {
    let onStop = onStop.take()
    forgotten()
    onStop?()
  }
}
