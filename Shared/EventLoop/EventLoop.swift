// EventLoop: one libuv loop on one thread that is also a Swift executor, so that a handler runs
// on the thread that read its bytes. Streams, listeners, timers, child processes, directory and
// signal watches belong to one loop and are touched on its thread only; what comes from other
// threads comes through `execute`, the executors and `sleep`. Blocking work goes to the threads
// of ThreadExecutor and BlockingPool, never here.
// It will never parse what it carries, retry, log, or keep a byte after lending it.
// Limits: `EventLoopLimits`. The queue of ready jobs has none, because a job of the Swift
// runtime cannot be refused: whoever creates tasks bounds their number.

import CUV
import Glibc
import Locking
import Synchronization

/// One libuv loop on one thread; also a serial executor and a task executor.
///
/// Life: `init`, then `run()` once (or `start()`), then `stop()`. Until `run()` begins, one
/// thread may set things up as if it were the loop's own. After `run()` has returned, work
/// handed to the loop is dropped.
@safe package final class EventLoop: @unchecked Sendable {
  // Sendable because: `inbox`, `labels`, `life` and the atomics lock themselves, constants are
  // constants, and every other property is touched on the loop's thread only (`assertCurrent`).

  /// Shown in stalls and as the thread's name.
  package let name: String
  package let limits: EventLoopLimits

  let handles: UnsafeMutablePointer<assay_loop>
  /// One buffer for all reads of this loop: its bytes are lent for the length of a callback.
  let readBuffer: UnsafeMutableRawPointer
  static let readBufferByteCount = 65_536

  // Any thread.
  /// All that crosses threads crosses here.
  let inbox = Monitor(Inbox())
  let inboxWaiting = Atomic<Bool>(false)
  let stopRequested = Atomic<Bool>(false)
  /// The pthread that runs the loop; 0 before and `endedThread` after.
  let thread = Atomic<UInt>(0)
  static let endedThread = UInt.max
  let labels: Lock<LabelTable>
  let life = LoopLife()

  // The loop's thread.
  var ready = Ring<ReadyWork>()
  var closures = Ring<() -> Void>()
  var spareInbox = Inbox()
  var turnItems = TurnItems()
  var nextTurnItems = TurnItems()
  var spareTurnItems: [any TurnEnding] = []
  var timers = TimerHeap()
  var armedDeadline = UInt64.max
  var resources: [ObjectIdentifier: LoopResource] = [:]
  var isClosing = false
  var isIdleActive = false
  /// Until when the loop does not sleep; 0: it does.
  var lingerDeadline: UInt64 = 0
  var coarseNow: UInt64 = 0
  let stallNanoseconds: UInt64

  /// Where the jobs of actors that live on this loop come in.
  private(set) var actorExecutor: LoopActorExecutor?

  /// A loop that waits for `run()` or `start()`; fails when descriptors or memory are short.
  package init(name: String, limits: EventLoopLimits = EventLoopLimits()) throws(EventLoopError) {
    self.name = name
    self.limits = limits
    labels = Lock(LabelTable(first: name))
    stallNanoseconds = limits.stallLimit.clampedNanoseconds
    unsafe handles = .allocate(capacity: 1)
    unsafe readBuffer = .allocate(byteCount: Self.readBufferByteCount, alignment: 64)
    assay_ignore_sigpipe()
    let status = unsafe uv_loop_init(assay_uv_loop(handles))
    guard status == 0 else {
      // What was allocated goes with deinit, which comes after this too.
      life.end()
      throw EventLoopError(system: status, "The event loop \(name) could not be created")
    }
    unsafe assay_uv_loop(handles).pointee.data = readBuffer
    actorExecutor = LoopActorExecutor(self)
    openOwnHandles()
  }

  deinit {
    guard !life.hasEnded else {
      return releaseMemory()
    }
    closeEverything()
    releaseMemory()
  }

  private func releaseMemory() {
    unsafe handles.deallocate()
    unsafe readBuffer.deallocate()
  }

  /// Whether the caller is on the loop's thread.
  @inline(__always)
  package var isCurrent: Bool { thread.load(ordering: .relaxed) == pthread_self() }

  /// Stops the process when the caller is on another thread while the loop runs: a bug.
  @inline(__always)
  package func assertCurrent() {
    let owner = thread.load(ordering: .acquiring)
    precondition(
      owner == pthread_self() || owner == 0 || owner == Self.endedThread,
      "This belongs to the thread of another event loop.")
  }

  /// The monotonic clock, read afresh.
  package var nowNanoseconds: UInt64 { uv_hrtime() }
}
