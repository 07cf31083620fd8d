import Locking

/// A task executor that runs its jobs on a loop under a name: `Task(executorPreference: e) {…}`.
///
/// One per RPC method. A job that holds the loop too long is reported with that name.
@safe package final class LabelledExecutor: TaskExecutor {
  private let loop: EventLoop
  private let number: Int

  init(_ loop: EventLoop, number: Int) {
    self.loop = loop
    self.number = number
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    unsafe loop.submit(.preferring(job, asUnownedTaskExecutor(), label: number))
  }

  package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
    unsafe UnownedTaskExecutor(ordinary: self)
  }
}

extension EventLoop {
  /// An executor that runs its jobs here under `label`; any thread, cheap to keep.
  package func labelled(_ label: String) -> LabelledExecutor {
    let number = labels.withLock { $0.number(of: label, max: limits.labelsMax) }
    return LabelledExecutor(self, number: number)
  }
}
