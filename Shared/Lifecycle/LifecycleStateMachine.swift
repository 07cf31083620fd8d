/// Who runs, who is asked to stop next, and when patience ends: no I/O and no clock.
struct LifecycleStateMachine: Sendable {
  enum Input {
    case stop(StopReason)
    case ended(Int, (any Error)?)
    /// `LifecycleLimits.cancelAfter` is over.
    case patienceEnded
    /// `LifecycleLimits.stopWithin` is over.
    case timeEnded
  }

  enum Action: Equatable {
    /// Say why, tell the service manager, and start both timers.
    case announce(StopReason)
    case shutDown(Int)
    case cancel([Int])
    case finish
    /// End the process without waiting for anyone; these parts still ran.
    case exit(Int32, running: [Int])
  }

  private enum Phase: Equatable {
    case running
    /// This part was asked to stop and has not yet.
    case stopping(Int)
    case cancelling
    case finished
  }

  private let names: [String]
  private let mayEnd: [Bool]
  private var alive: Set<Int>
  private var phase = Phase.running
  private var signalCount = 0
  private(set) var reason = StopReason.done
  private(set) var failures: [LifecycleOutcome.Failure] = []

  /// What a process ends with when its parts did not stop in time.
  static let exitCodeOutOfTime: Int32 = 1

  init(names: [String], mayEnd: [Bool]) {
    self.names = names
    self.mayEnd = mayEnd
    alive = Set(names.indices)
    if names.isEmpty { phase = .finished }
  }

  mutating func handle(_ input: Input) -> [Action] {
    guard phase != .finished else { return [] }
    switch input {
    case .stop(let reason): return stop(reason)
    case .ended(let index, let error): return ended(index, error)
    case .patienceEnded:
      guard case .stopping = phase else { return [] }
      phase = .cancelling
      return [.cancel(alive.sorted())]
    case .timeEnded:
      guard phase != .running else { return [] }
      phase = .finished
      return [.exit(Self.exitCodeOutOfTime, running: alive.sorted())]
    }
  }

  private mutating func stop(_ reason: StopReason) -> [Action] {
    if case .signal(let number) = reason {
      signalCount += 1
      if signalCount > 1 {
        phase = .finished
        // As a shell shows a process that a signal ended.
        return [.exit(128 + number, running: alive.sorted())]
      }
    }
    guard phase == .running else { return [] }
    self.reason = reason
    return [.announce(reason)] + next()
  }

  private mutating func ended(_ index: Int, _ error: (any Error)?) -> [Action] {
    guard alive.remove(index) != nil else { return [] }
    switch phase {
    case .running:
      let isFailure = error != nil || !mayEnd[index]
      if isFailure {
        failures.append(LifecycleOutcome.Failure(name: names[index], error: error))
        reason = .member(names[index])
        return [.announce(reason)] + next()
      }
      return alive.isEmpty ? next() : []
    case .stopping(let current):
      note(error, of: index)
      // One that ends before its turn leaves the turn where it is.
      return index == current ? next() : []
    case .cancelling:
      note(error, of: index)
      return alive.isEmpty ? next() : []
    case .finished: return []
    }
  }

  /// To end with a cancellation is no failure of a part that was asked to stop.
  private mutating func note(_ error: (any Error)?, of index: Int) {
    guard let error, !(error is CancellationError) else { return }
    failures.append(LifecycleOutcome.Failure(name: names[index], error: error))
  }

  /// The last started of those that still run is the next to stop.
  private mutating func next() -> [Action] {
    guard let last = alive.max() else {
      phase = .finished
      return [.finish]
    }
    phase = .stopping(last)
    return [.shutDown(last)]
  }
}
