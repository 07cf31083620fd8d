import CUV
import Synchronization

extension EventLoop {
  /// Calls `body` once when `delay` has passed, never earlier; loop's thread only.
  ///
  /// Once the loop is stopping the timer is dead from the start.
  @discardableResult
  package func schedule(after delay: Duration, _ body: @escaping () -> Void) -> LoopTimer {
    assertCurrent()
    let timer = LoopTimer(on: self, body)
    guard !isClosing else {
      timer.die()
      return timer
    }
    let deadline = nowNanoseconds + delay.clampedNanoseconds
    timers.insert(timer, deadline: deadline)
    armTimer()
    return timer
  }

  /// One libuv timer drives the whole heap: set anew only for an earlier deadline, so that a
  /// call whose timer is cancelled in time costs libuv nothing.
  private func armTimer() {
    guard let earliest = timers.earliest, earliest < armedDeadline else { return }
    armedDeadline = earliest
    let dueMilliseconds = earliest / 1_000_000 + 1
    let now = unsafe uv_now(assay_uv_loop(handles))
    let wait = dueMilliseconds > now ? dueMilliseconds - now : 0
    unsafe uv_timer_start(
      assay_timer(handles),
      { handle in unsafe EventLoop.of(handle?.pointee.data)?.fireTimers() }, wait, 0)
  }

  private func fireTimers() {
    armedDeadline = .max
    let start = assay_coarse_nanoseconds()
    let now = nowNanoseconds
    // A body that schedules itself again at once waits for the next round: I/O goes on.
    let sequence = timers.nextSequence
    while let timer = timers.popDue(at: now, before: sequence) { timer.fire() }
    armTimer()
    reportStall("timers", from: start, to: assay_coarse_nanoseconds())
  }

  /// Returns when `duration` has passed; throws as soon as the task is cancelled or the loop
  /// ends. Any task.
  package func sleep(for duration: Duration) async throws(CancellationError) {
    let sleeper = Sleeper()
    let completed = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        guard sleeper.begin(continuation) else { return }
        let taken = executeUnlessEnded {
          let timer = self.schedule(after: duration) { sleeper.end(completed: true) }
          timer.abandoned = { sleeper.end(completed: false) }
          if !timer.isArmed { timer.die() }
          sleeper.keep(timer)
        }
        if !taken { sleeper.end(completed: false) }
      }
    } onCancel: {
      sleeper.end(completed: false)
      execute { sleeper.cancelTimer() }
    }
    if !completed { throw CancellationError() }
  }
}

/// One waiting `sleep`. Its continuation is resumed by whoever takes it out of the lock; its
/// timer is touched on the loop's thread only, which is why this may be Sendable.
private final class Sleeper: @unchecked Sendable {
  private enum State {
    case new
    case waiting(CheckedContinuation<Bool, Never>)
    case ended
  }

  private let state = Mutex(State.new)
  private var timer: LoopTimer?

  /// False, with the continuation resumed, when the cancellation came first.
  func begin(_ continuation: CheckedContinuation<Bool, Never>) -> Bool {
    let begun = state.withLock { state in
      guard case .new = state else { return false }
      state = .waiting(continuation)
      return true
    }
    if !begun { continuation.resume(returning: false) }
    return begun
  }

  func end(completed: Bool) {
    let continuation: CheckedContinuation<Bool, Never>? = state.withLock { state in
      defer { state = .ended }
      guard case .waiting(let continuation) = state else { return nil }
      return continuation
    }
    continuation?.resume(returning: completed)
  }

  /// The cancellation's `cancelTimer` may have run before: then the timer dies here.
  func keep(_ timer: LoopTimer) {
    let hasEnded = state.withLock { state in
      guard case .ended = state else { return false }
      return true
    }
    if hasEnded { timer.cancel() } else { self.timer = timer }
  }

  func cancelTimer() {
    timer?.cancel()
    timer = nil
  }
}
