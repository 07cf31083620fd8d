/// The serial executor that stands for a loop: what actors on that loop name as theirs.
@safe final class LoopActorExecutor: SerialExecutor {
  /// Unowned: the loop owns this, and an actor keeps the loop it lives on.
  private unowned(unsafe) let loop: EventLoop

  init(_ loop: EventLoop) { unsafe self.loop = loop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    unsafe loop.submit(.isolated(job))
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  func checkIsolated() { unsafe loop.checkIsolated() }
  func isIsolatingCurrentContext() -> Bool? { unsafe loop.isCurrent }
}
