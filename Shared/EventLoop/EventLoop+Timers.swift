import CUV

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
        let taken = executeUnlessEnded { sleeper.begin(continuation, for: duration, on: self) }
        if !taken { continuation.resume(returning: false) }
      }
    } onCancel: {
      // Of an ended loop every sleeper has been told already.
      execute { sleeper.cancel() }
    }
    if !completed { throw CancellationError() }
  }
}

/// One waiting `sleep`.
private final class Sleeper: @unchecked Sendable {
  // Sendable because it is only touched on its loop's thread.
  private enum State {
    case new
    case waiting(CheckedContinuation<Bool, Never>, LoopTimer?)
    case ended
  }

  private var state = State.new

  func begin(
    _ continuation: CheckedContinuation<Bool, Never>, for duration: Duration, on loop: EventLoop
  ) {
    // The cancellation may have come first.
    guard case .new = state else { return continuation.resume(returning: false) }
    state = .waiting(continuation, nil)
    let timer = loop.schedule(after: duration) { self.end(completed: true) }
    timer.abandoned = { self.end(completed: false) }
    guard timer.isArmed else { return timer.die() }
    state = .waiting(continuation, timer)
  }

  func cancel() { end(completed: false) }

  private func end(completed: Bool) {
    let before = state
    state = .ended
    guard case .waiting(let continuation, let timer) = before else { return }
    timer?.cancel()
    continuation.resume(returning: completed)
  }
}
