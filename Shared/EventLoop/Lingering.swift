import CUV
import Glibc
import Synchronization

// To be put to sleep and woken on another processor costs two threads tens of microseconds each
// way. Whoever has a sign that the next thing comes sooner stays awake for it, no longer than a
// named limit, and gives way to every other thread meanwhile.

/// Whether a thread stays awake for its next work, by how soon that came the last time.
///
/// One piece of work after another, each soon after the last, comes from a caller that waits for
/// each answer: only then does a wake-up count. Where many call, work waits already; where few do,
/// it comes late: both end it, so that an idle thread costs nothing.
struct Lingering {
  private let limit: UInt64
  private var endedAt: UInt64 = 0
  private var isExpecting = false
  private var wasAlone = false

  /// Not on a machine that can run nobody else meanwhile.
  static let isOfUse = sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1

  /// Without a limit it always sleeps.
  init(atMost limit: Duration?) {
    self.limit = Self.isOfUse ? limit?.clampedNanoseconds ?? 0 : 0
  }

  /// Returns when there is news or when it took too long.
  func wait(for news: borrowing Atomic<Bool>) {
    guard isExpecting else { return }
    let deadline = uv_hrtime() + limit
    while !news.load(ordering: .acquiring), uv_hrtime() < deadline { sched_yield() }
  }

  /// Work has come.
  mutating func began(count: Int) {
    guard limit > 0 else { return }
    isExpecting = wasAlone && count == 1 && uv_hrtime() &- endedAt < limit
    wasAlone = count == 1
  }

  /// It is done.
  mutating func ended() {
    guard limit > 0 else { return }
    endedAt = uv_hrtime()
  }
}

extension EventLoop {
  /// Stays awake until `endLinger` or so long at most, for an answer that another thread is about
  /// to give; the loop's thread only. Calls of the loop are served meanwhile.
  package func linger(atMost limit: Duration) {
    assertCurrent()
    guard Lingering.isOfUse else { return }
    lingerDeadline = nowNanoseconds + limit.clampedNanoseconds
  }

  /// The answer has come.
  package func endLinger() {
    assertCurrent()
    lingerDeadline = 0
  }

  /// Gives way to other threads, once a turn.
  var isLingering: Bool {
    guard lingerDeadline > 0 else { return false }
    guard nowNanoseconds < lingerDeadline else {
      lingerDeadline = 0
      return false
    }
    sched_yield()
    return true
  }
}
