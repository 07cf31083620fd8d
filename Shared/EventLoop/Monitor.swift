import CUV
import Glibc

/// State behind a lock, with a condition to wait for its change. Only threads of our own wait
/// here: whoever runs on a loop or on the runtime's pool must not.
@safe final class Monitor<State>: @unchecked Sendable {
  // Sendable because `state` is only touched with `lock` held. A POSIX lock, because a Lock has
  // no condition to wait for.
  private var state: State
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>

  init(_ state: sending State) {
    self.state = state
    unsafe lock = .allocate(capacity: 1)
    unsafe changed = .allocate(capacity: 1)
    // Who stays awake for a change comes for the lock before the one who made the change has let
    // go of it: a moment later it is free, and to sleep for it would cost what was to be saved.
    var kind = pthread_mutexattr_t()
    unsafe pthread_mutexattr_init(&kind)
    unsafe pthread_mutexattr_settype(&kind, Self.adaptive)
    unsafe pthread_mutex_init(lock, &kind)
    unsafe pthread_mutexattr_destroy(&kind)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(changed, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(changed)
    unsafe pthread_mutex_destroy(lock)
    unsafe lock.deallocate()
    unsafe changed.deallocate()
  }

  func withLock<R>(_ body: (inout State) -> R) -> R {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    return body(&state)
  }

  func signal() { unsafe pthread_cond_signal(changed) }

  func broadcast() { unsafe pthread_cond_broadcast(changed) }

  /// Waits until `take` returns something, or at most `timeout`; nil means that time is up.
  @discardableResult
  func wait<R>(atMost timeout: Duration? = nil, _ take: (inout State) -> R?) -> R? {
    let deadline = timeout.map(Self.deadline)
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    while true {
      if let taken = take(&state) { return taken }
      guard var deadline else {
        unsafe pthread_cond_wait(changed, lock)
        continue
      }
      if unsafe pthread_cond_timedwait(changed, lock, &deadline) == ETIMEDOUT {
        return take(&state)
      }
    }
  }

  /// PTHREAD_MUTEX_ADAPTIVE_NP: tries for some microseconds before it sleeps.
  private static var adaptive: Int32 { 3 }

  private static func deadline(after timeout: Duration) -> timespec {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    let total = UInt64(now.tv_nsec) + timeout.clampedNanoseconds
    return timespec(
      tv_sec: now.tv_sec + Int(total / 1_000_000_000), tv_nsec: Int(total % 1_000_000_000))
  }
}
