import Glibc

/// Threads for blocking calls that belong to no actor: started when there is work, at most
/// `threadsMax`, ended after `idleTimeout` without. Work waits in a queue of at most `queueMax`.
package final class BlockingPool: Sendable {
  private let core: Monitor<State>
  private let name: String
  private let threadsMax: Int
  private let queueMax: Int
  private let idleTimeout: Duration

  package init(
    name: String, threadsMax: Int = 4, queueMax: Int = 256, idleTimeout: Duration = .seconds(10)
  ) {
    self.name = name
    self.threadsMax = max(1, threadsMax)
    self.queueMax = max(0, queueMax)
    self.idleTimeout = idleTimeout
    core = Monitor(State())
  }

  /// What was taken on is still done; then the threads end.
  deinit {
    core.withLock { $0.hasOwner = false }
    core.broadcast()
  }

  /// Threads alive now.
  package var threadCount: Int { core.withLock { $0.threadCount } }

  /// Runs `body` on a thread of the pool. A full queue throws `blockingQueueFull` at once; a
  /// task that is cancelled while it waits throws `CancellationError`, `body` then never runs.
  package func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    let work = Work()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        submit(
          Waiting(
            work: work,
            body: { continuation.resume(with: Result { try body() }) },
            refused: { continuation.resume(throwing: $0) }))
      }
    } onCancel: {
      let refused = core.withLock { $0.cancel(work) }
      refused?(CancellationError())
    }
  }

  private func submit(_ call: Waiting) {
    let outcome = core.withLock {
      $0.submit(call, threadsMax: threadsMax, queueMax: queueMax)
    }
    switch outcome {
    case .queued: core.signal()
    case .needsThread: startThread()
    case .cancelled: call.refused(CancellationError())
    case .full:
      call.refused(
        EventLoopError(
          .blockingQueueFull, "The pool \(name) is busy: \(queueMax) calls wait already"))
    }
  }

  private func startThread() {
    let (core, idleTimeout) = (core, idleTimeout)
    do throws(EventLoopError) {
      try OwnThread.detach(name: name) {
        while true {
          let next = core.wait(atMost: idleTimeout) { $0.next() }
          guard case .run(let body) = next ?? core.withLock({ $0.retire() }) else { return }
          body()
          core.withLock { $0.idleCount += 1 }
        }
      }
    } catch {
      // With other threads alive the work waits for them; alone it is told.
      let refused = core.withLock { $0.threadFailed() }
      for tell in refused { tell(error) }
    }
  }
}

extension BlockingPool {
  /// One call, as its task's cancellation knows it.
  private final class Work: @unchecked Sendable {
    // Sendable because this is only touched with the pool's lock held.
    var isCancelled = false
  }

  private struct Waiting: Sendable {
    let work: Work
    let body: @Sendable () -> Void
    let refused: @Sendable (any Error) -> Void
  }

  private enum Submission { case queued, needsThread, cancelled, full }
  private enum Next { case run(@Sendable () -> Void), end }

  private struct State: Sendable {
    var hasOwner = true
    private(set) var threadCount = 0
    /// Threads that run nothing, those on their way included.
    var idleCount = 0
    private var waiting: [Waiting] = []

    mutating func submit(_ call: Waiting, threadsMax: Int, queueMax: Int) -> Submission {
      guard !call.work.isCancelled else { return .cancelled }
      if idleCount > waiting.count {
        waiting.append(call)
        return .queued
      }
      if threadCount < threadsMax {
        threadCount += 1
        idleCount += 1
        waiting.append(call)
        return .needsThread
      }
      guard waiting.count - idleCount < queueMax else { return .full }
      waiting.append(call)
      return .queued
    }

    /// How to refuse the call, when it still waits.
    mutating func cancel(_ work: Work) -> (@Sendable (any Error) -> Void)? {
      work.isCancelled = true
      guard let index = waiting.firstIndex(where: { $0.work === work }) else { return nil }
      return waiting.remove(at: index).refused
    }

    /// Nil when the thread has to wait.
    mutating func next() -> Next? {
      guard waiting.isEmpty else {
        idleCount -= 1
        return .run(waiting.removeFirst().body)
      }
      return hasOwner ? nil : retire()
    }

    /// The thread ends, unless work came at the last moment.
    mutating func retire() -> Next {
      guard waiting.isEmpty else {
        idleCount -= 1
        return .run(waiting.removeFirst().body)
      }
      threadCount -= 1
      idleCount -= 1
      return .end
    }

    /// How to refuse those who would wait for ever, because no thread is left.
    mutating func threadFailed() -> [@Sendable (any Error) -> Void] {
      threadCount -= 1
      idleCount -= 1
      guard threadCount == 0 else { return [] }
      defer { waiting = [] }
      return waiting.map(\.refused)
    }
  }
}
