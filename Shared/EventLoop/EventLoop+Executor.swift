import CUV
import Glibc
import Synchronization

extension EventLoop: SerialExecutor, TaskExecutor {
  /// A job of a task that prefers this loop.
  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    unsafe submit(.preferring(job, asUnownedTaskExecutor(), label: 0))
  }

  /// The loop itself: a task retains the executor it prefers and releases the identity it was
  /// given, so for a task executor the two must be one object.
  package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
    unsafe UnownedTaskExecutor(ordinary: self)
  }

  /// Another object than the task executor, so that a job says which of the two it came through:
  /// an actor's job runs isolated, a task's job runs as what it is. Nobody retains it.
  package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    guard let actorExecutor else { preconditionFailure("Set by init, for good.") }
    return unsafe UnownedSerialExecutor(ordinary: actorExecutor)
  }

  /// Stops the process when the caller is not on the loop's thread: a bug.
  package func checkIsolated() {
    precondition(isCurrent, "This is not the thread of the event loop \(name).")
  }

  /// Whether the caller is on the loop's thread.
  package func isIsolatingCurrentContext() -> Bool? { isCurrent }

  /// Runs `work` on the loop, in the order of the calls of one thread; wakes it when needed.
  ///
  /// Any thread. Never runs `work` before it returns. After the loop has ended `work` is dropped.
  package func execute(_ work: @escaping @Sendable () -> Void) {
    _ = executeUnlessEnded(work)
  }

  /// The same, and says whether the loop took it.
  package func executeUnlessEnded(_ work: @escaping @Sendable () -> Void) -> Bool {
    if isCurrent {
      closures.append(work)
      ready.append(.closure)
      return true
    }
    return inbox.withLock { inbox in
      guard inbox.isOpen else { return false }
      inbox.closures.append(work)
      inbox.work.append(.closure)
      wakeForInbox()
      return true
    }
  }

  /// Runs `work` in this turn or the next, never before it returns; loop's thread only.
  func later(_ work: @escaping () -> Void) {
    assertCurrent()
    // Whoever still closes what an ended loop left behind is on any thread, and told nothing.
    guard thread.load(ordering: .acquiring) != Self.endedThread else { return }
    closures.append(work)
    ready.append(.closure)
  }

  @inline(__always)
  func submit(_ work: ReadyWork) {
    if isCurrent {
      ready.append(work)
    } else {
      submitFromOutside(work)
    }
  }

  @inline(never)
  private func submitFromOutside(_ work: ReadyWork) {
    inbox.withLock { inbox in
      guard inbox.isOpen else { return }
      inbox.work.append(work)
      wakeForInbox()
    }
  }

  /// Under the inbox's lock: so that the loop's end cannot come between look and wake, and only
  /// the first of a batch pays for the wake.
  private func wakeForInbox() {
    guard !inboxWaiting.load(ordering: .relaxed) else { return }
    inboxWaiting.store(true, ordering: .releasing)
    unsafe uv_async_send(assay_wake(handles))
  }

  /// Moves what other threads handed over behind what is ready.
  func takeInbox() {
    guard inboxWaiting.load(ordering: .acquiring) else { return }
    var arrived = spareInbox
    spareInbox = Inbox()
    inbox.withLock { inbox in
      swap(&arrived.work, &inbox.work)
      swap(&arrived.closures, &inbox.closures)
      inboxWaiting.store(false, ordering: .relaxed)
    }
    for closure in arrived.closures { closures.append(closure) }
    for work in arrived.work { ready.append(work) }
    // The two pairs of arrays take turns, so that a steady flow allocates nothing.
    guard arrived.work.capacity <= Inbox.keptMax else { return }
    arrived.work.removeAll(keepingCapacity: true)
    arrived.closures.removeAll(keepingCapacity: true)
    spareInbox = arrived
  }
}
