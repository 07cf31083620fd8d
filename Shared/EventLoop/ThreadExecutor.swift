import Glibc
import Synchronization

/// A serial executor with a thread of its own: the home of an actor that calls blocking C.
///
/// `nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }`
/// The thread ends when the executor is let go and its last job has run.
@safe package final class ThreadExecutor: SerialExecutor, @unchecked Sendable {
  // Sendable because `queue` locks itself and `thread` is atomic.
  private struct Queue {
    var jobs: [UnownedJob] = []
    var hasOwner = true

    /// All that waits; nothing at the end; nil to wait on.
    mutating func takeJobs() -> [UnownedJob]? {
      guard !jobs.isEmpty || !hasOwner else { return nil }
      defer { jobs = [] }
      return jobs
    }
  }

  private final class ThreadIdentity: Sendable {
    let value = Atomic<UInt>(0)
  }

  private let queue = Monitor(Queue())
  private let thread = ThreadIdentity()
  package let name: String

  /// Fails when the process may have no more threads.
  package init(
    name: String, stackByteCount: Int = OwnThread.stackByteCountDefault
  ) throws(EventLoopError) {
    self.name = name
    let (queue, thread) = (queue, thread)
    // Weakly: a job is only ever queued while an actor keeps the executor, an idle thread must
    // not keep it.
    try OwnThread.detach(name: name, stackByteCount: stackByteCount) { [weak self] in
      thread.value.store(pthread_self(), ordering: .releasing)
      while let jobs = queue.wait({ $0.takeJobs() }), !jobs.isEmpty {
        for job in jobs {
          guard let executor = self else { return }
          unsafe job.runSynchronously(on: executor.asUnownedSerialExecutor())
        }
      }
    }
  }

  deinit {
    queue.withLock { $0.hasOwner = false }
    queue.signal()
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.withLock { $0.jobs.append(job) }
    queue.signal()
  }

  package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  /// Whether the caller is on this executor's thread.
  package var isCurrent: Bool { thread.value.load(ordering: .acquiring) == pthread_self() }

  package func checkIsolated() {
    precondition(isCurrent, "This is not the thread of \(name).")
  }

  package func isIsolatingCurrentContext() -> Bool? { isCurrent }
}
