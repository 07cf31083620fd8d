/// One call in the future, on the thread of its loop. A fired or cancelled timer is dead.
@safe package final class LoopTimer {
  /// Its place in the heap; -1 when dead.
  var index = -1
  private var body: (() -> Void)?
  /// Called instead of the body when the loop ends first.
  var abandoned: (() -> Void)?
  /// Unowned: a living timer stands in the heap of its loop, a dead one does not look.
  private unowned(unsafe) let loop: EventLoop

  init(on loop: EventLoop, _ body: @escaping () -> Void) {
    unsafe self.loop = loop
    self.body = body
  }

  /// Whether it will still fire.
  package var isArmed: Bool { index >= 0 }

  /// Loop's thread only; O(log n); as often as you like.
  package func cancel() {
    guard index >= 0 else { return }
    unsafe loop.assertCurrent()
    unsafe loop.timers.remove(at: index)
    body = nil
    abandoned = nil
  }

  func fire() {
    let body = body.take()
    abandoned = nil
    body?()
  }

  func die() {
    let abandoned = abandoned.take()
    index = -1
    body = nil
    abandoned?()
  }
}
