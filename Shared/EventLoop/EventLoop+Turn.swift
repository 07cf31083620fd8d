import CUV
import Glibc
import Locking
import Synchronization

// A turn: the callbacks of one poll have run; now the jobs they made ready run, then what waits
// for the end of the turn. libuv calls it before (prepare) and after (check) each poll.

extension EventLoop {
  /// Calls `item.turnEnded()` once, after the ready jobs of this turn ran; loop's thread only.
  package func atEndOfTurn(_ item: any TurnEnding) {
    assertCurrent()
    turnItems.insert(item)
  }

  /// Calls `item.turnEnded()` at the end of the next turn, without a wait between: for work that
  /// is not done yet and lets sockets and timers go first. Loop's thread only.
  package func atEndOfNextTurn(_ item: any TurnEnding) {
    assertCurrent()
    nextTurnItems.insert(item)
  }

  private var hasWork: Bool {
    !ready.isEmpty || !turnItems.isEmpty || inboxWaiting.load(ordering: .relaxed)
  }

  /// At the end, a poll that has nothing to wait for any more must not block.
  private var hasNothingLeft: Bool { isClosing && resources.isEmpty }

  func turn() {
    if stopRequested.load(ordering: .relaxed) && !isClosing {
      unsafe uv_stop(assay_uv_loop(handles))
    }
    if !nextTurnItems.isEmpty { beginNextTurnItems() }
    guard hasWork else { return setIdle(active: hasNothingLeft || isLingering) }
    coarseNow = assay_coarse_nanoseconds()
    var budget = limits.jobsPerTurnMax
    repeat {
      takeInbox()
      while budget > 0, let work = ready.popFirst() {
        run(work)
        budget -= 1
      }
      endTurnItems(&budget)
    } while budget > 0 && hasWork
    setIdle(
      active: hasWork || !nextTurnItems.isEmpty || hasNothingLeft || lingerDeadline > 0)
  }

  private func beginNextTurnItems() {
    var items: [any TurnEnding] = []
    nextTurnItems.take(into: &items)
    for item in items { turnItems.insert(item) }
  }

  @inline(__always)
  private func run(_ work: ReadyWork) {
    switch work {
    case .preferring(let job, let executor, let label):
      unsafe job.runSynchronously(on: executor)
      checkStall { self.labels.withLock { $0[label] } }
    case .isolated(let job):
      unsafe job.runSynchronously(on: asUnownedSerialExecutor())
      checkStall { self.name }
    case .closure:
      closures.popFirst()?()
      checkStall { "execute" }
    }
  }

  private func endTurnItems(_ budget: inout Int) {
    guard !turnItems.isEmpty else { return }
    var items = spareTurnItems
    spareTurnItems = []
    turnItems.take(into: &items)
    for item in items { item.turnEnded() }
    budget -= items.count
    items.removeAll(keepingCapacity: items.capacity <= 1024)
    spareTurnItems = items
    checkStall { "turn" }
  }

  /// The clock at the kernel's tick is exact enough for a limit of 50 ms, at 3 ns a look.
  @inline(__always)
  private func checkStall(_ label: () -> String) {
    let now = assay_coarse_nanoseconds()
    if now &- coarseNow > stallNanoseconds { reportStall(label(), from: coarseNow, to: now) }
    coarseNow = now
  }

  @inline(never)
  func reportStall(_ label: String, from start: UInt64, to end: UInt64) {
    // The two clocks that libuv and we read may differ by a tick, so order is not a given.
    guard end > start, end - start > stallNanoseconds else { return }
    limits.onStall(Stall(loop: name, label: label, held: .nanoseconds(Int64(end - start))))
  }

  /// While work is left, an idle handle keeps the poll from blocking.
  func setIdle(active: Bool) {
    guard active != isIdleActive else { return }
    isIdleActive = active
    if active {
      unsafe uv_idle_start(assay_idle(handles)) { _ in }
    } else {
      unsafe uv_idle_stop(assay_idle(handles))
    }
  }

  /// Called after a poll: how long did its callbacks take?
  func checkInputStall() {
    let polled = unsafe uv_now(assay_uv_loop(handles)) * 1_000_000
    let now = assay_coarse_nanoseconds()
    if now > polled && now - polled > stallNanoseconds {
      reportStall("input", from: polled, to: now)
    }
  }
}
