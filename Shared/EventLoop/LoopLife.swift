import Glibc

/// Where a loop stands in its one life: waiting, running, ended. Any thread.
@safe final class LoopLife: @unchecked Sendable {
  // Sendable because `phase` is only touched with `lock` held. A POSIX lock and condition
  // because `join` has to block its thread until the loop has ended.
  private enum Phase { case waiting, running, ended }

  private var phase = Phase.waiting
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>

  init() {
    unsafe lock = .allocate(capacity: 1)
    unsafe changed = .allocate(capacity: 1)
    unsafe pthread_mutex_init(lock, nil)
    unsafe pthread_cond_init(changed, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(changed)
    unsafe pthread_mutex_destroy(lock)
    unsafe lock.deallocate()
    unsafe changed.deallocate()
  }

  var hasEnded: Bool { locked { phase == .ended } }

  /// False when the loop runs or has run already.
  func begin() -> Bool {
    locked {
      guard phase == .waiting else { return false }
      phase = .running
      return true
    }
  }

  func end() {
    locked {
      phase = .ended
      unsafe pthread_cond_broadcast(changed)
    }
  }

  func waitForEnd() {
    locked {
      while phase != .ended { unsafe pthread_cond_wait(changed, lock) }
    }
  }

  private func locked<R>(_ body: () -> R) -> R {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    return body()
  }
}
