package import EventLoop
import Glibc
import Locking
package import Telemetry

/// Runs the parts of a process together until they have ended.
package final class Lifecycle: Sendable {
  private struct State {
    var machine: LifecycleStateMachine
    var tasks: [Task<Void, Never>] = []
    /// Actions that came up before every task was there to take them.
    var pending: [LifecycleStateMachine.Action]? = []
    var finished: CheckedContinuation<Void, Never>?
    var isFinished = false
  }

  private let members: [LifecycleMember]
  private let signals: [ShutdownSignal]
  private let loop: EventLoop
  private let limits: LifecycleLimits
  private let logger: Logger
  private let notifier: ServiceNotifier
  private let onReload: (@Sendable () -> Void)?
  private let exit: @Sendable (Int32) -> Void
  private let state: Lock<State>

  /// `onReload` is called on the loop for each SIGHUP; without it SIGHUP is ignored. `exit` ends
  /// the process at once, after a second signal or when time is up; only tests replace it.
  package init(
    _ members: [LifecycleMember], on loop: EventLoop, limits: LifecycleLimits = LifecycleLimits(),
    logger: Logger, notifier: ServiceNotifier = .none, onReload: (@Sendable () -> Void)? = nil,
    exit: @escaping @Sendable (Int32) -> Void = { _exit($0) }
  ) {
    self.members = members
    self.loop = loop
    self.limits = limits
    self.logger = logger
    self.notifier = notifier
    self.onReload = onReload
    self.exit = exit
    signals = members.map { _ in ShutdownSignal() }
    state = Lock(
      State(
        machine: LifecycleStateMachine(
          names: members.map(\.name), mayEnd: members.map(\.mayEnd))))
  }

  /// Starts the parts in their order, and returns when all have ended: after SIGTERM, SIGINT,
  /// `stop()`, the cancellation of this task, or the failure of one of them. Call it once.
  package func run() async throws(EventLoopError) -> LifecycleOutcome {
    let watches = LifecycleWatches(loop: loop)
    do {
      try await watches.open([SIGTERM, SIGINT, SIGHUP]) { [self] signal in received(signal) }
    } catch {
      await watches.close()
      throw error
    }
    startMembers()
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isFinished = state.withLock { state in
          if !state.isFinished { state.finished = continuation }
          return state.isFinished
        }
        if isFinished { continuation.resume() }
      }
    } onCancel: {
      stop()
    }
    await watches.close()
    return state.withLock {
      LifecycleOutcome(reason: $0.machine.reason, failures: $0.machine.failures)
    }
  }

  /// Asks everything to stop, as a signal does.
  package func stop() { handle(.stop(.request)) }

  // MARK: - What happens

  private func received(_ signal: Int32) {
    if signal == SIGHUP { onReload?() } else { handle(.stop(.signal(signal))) }
  }

  private func startMembers() {
    let tasks = members.indices.map { index in
      Task(executorPreference: loop) { [self] in
        var failure: (any Error)?
        do {
          try await ShutdownSignal.$current.withValue(signals[index]) {
            try await members[index].part.run()
          }
        } catch {
          failure = error
        }
        handle(.ended(index, failure))
      }
    }
    let actions = state.withLock { state in
      state.tasks = tasks
      defer { state.pending = nil }
      // Without members nothing ever ends, so this has ended already.
      return (state.pending ?? []) + (members.isEmpty ? [.finish] : [])
    }
    perform(actions)
  }

  private func handle(_ input: LifecycleStateMachine.Input) {
    let actions = state.withLock { state in
      let actions = state.machine.handle(input)
      guard state.pending != nil else { return actions }
      state.pending?.append(contentsOf: actions)
      return []
    }
    perform(actions)
  }

  // MARK: - What is done about it

  private func perform(_ actions: [LifecycleStateMachine.Action]) {
    for action in actions {
      switch action {
      case .announce(let reason): announce(reason)
      case .shutDown(let index):
        logger.debug("stopping a part", [.label: .string(members[index].name)])
        signals[index].request()
      case .cancel(let indices): cancel(indices)
      case .finish: finish()
      case .exit(let code, let running): leave(code, running)
      }
    }
  }

  private func announce(_ reason: StopReason) {
    switch reason {
    case .signal(let number): logger.info("stopping: a signal came", [.signal: .int(number)])
    case .request: logger.info("stopping: asked to")
    case .done: break
    case .member(let name):
      let failure = state.withLock { $0.machine.failures.first?.error }
      logger.error(
        "stopping: a part has ended",
        [
          .label: .string(name),
          .error: .string(failure.map { String(describing: $0) } ?? "it returned without reason"),
        ])
    }
    notifier.stopping()
    let (limits, loop) = (limits, loop)
    loop.execute { [self] in
      _ = loop.schedule(after: limits.cancelAfter) { [self] in handle(.patienceEnded) }
      _ = loop.schedule(after: limits.stopWithin) { [self] in handle(.timeEnded) }
    }
  }

  private func cancel(_ indices: [Int]) {
    logger.warning(
      "parts did not stop in time: cancelling them",
      [.limit: "cancelAfter", .label: .string(names(indices))])
    let tasks = state.withLock { $0.tasks }
    for index in indices {
      signals[index].request()
      tasks[index].cancel()
    }
  }

  private func finish() {
    let continuation = state.withLock { state in
      state.isFinished = true
      return state.finished.take()
    }
    continuation?.resume()
  }

  private func leave(_ code: Int32, _ running: [Int]) {
    logger.error(
      "leaving without waiting for the parts that still run",
      [.code: .int(code), .label: .string(names(running)), .limit: "stopWithin"])
    logger.sink.flush()
    exit(code)
    // Only in tests does anybody come here.
    finish()
  }

  private func names(_ indices: [Int]) -> String {
    indices.map { members[$0].name }.joined(separator: ",")
  }
}

extension Lifecycle {
  /// Runs `loop` on the calling thread until `body` has returned: what a `main` is made of. Nil
  /// when somebody else stopped the loop before.
  package static func block<R: Sendable>(
    on loop: EventLoop, _ body: @escaping @Sendable () async -> R
  ) -> R? {
    let result = ResultBox<R>()
    Task(executorPreference: loop) {
      result.put(await body())
      loop.stop()
    }
    loop.run()
    return result.take()
  }
}

/// Carries one value from a task to the thread that waits for it.
private final class ResultBox<R: Sendable>: Sendable {
  private let value = Lock<R?>(nil)

  func put(_ new: R) { value.withLock { $0 = new } }
  func take() -> R? { value.withLock { $0.take() } }
}
