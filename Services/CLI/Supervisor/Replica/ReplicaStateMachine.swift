import Compose

/// The life of one replica as a value: what happens goes in, what to do comes out.
///
/// It knows no process, clock or socket. Whoever holds it performs the actions in their order
/// and tells it what came of them.
package struct ReplicaStateMachine: Equatable, Sendable {
  package enum State: Equatable, Sendable {
    /// Never started.
    case idle
    /// The process runs and has not answered yet.
    case starting
    /// The process answers, is not ready, and says for whom it waits.
    case waiting(for: [String])
    case ready
    /// It was ready in this life and no longer is.
    case unhealthy(reason: String)
    /// The process ended; it is started again after the delay.
    case restarting(after: Duration)
    /// It was told to end; it is killed when it takes too long.
    case stopping(isKilled: Bool)
    /// It ended as it was told to, or by itself without a failure and without a reason to go on.
    case stopped
    /// It ended with a failure, and nothing starts it again by itself.
    case failed
  }

  /// What the replica's own socket says.
  package enum Health: Equatable, Sendable {
    case serving
    case notServing(waitingFor: [String], reason: String)
    /// Nobody answers.
    case silent
  }

  package enum Timer: Hashable, CaseIterable, Sendable {
    case backoff, grace, stable, readiness
  }

  package enum Action: Equatable, Sendable {
    case spawn
    /// Ask the process to end.
    case terminate
    case kill
    case arm(Timer, Duration)
    case disarm(Timer)
  }

  package let policy: ReplicaPolicy
  package private(set) var state = State.idle
  /// Failures since the replica was last ready for the policy's stable period.
  package private(set) var failureCount = 0
  /// Starts by policy, since the first one.
  package private(set) var restartCount = 0
  /// How the last process ended.
  package private(set) var lastEnding: ReplicaEnding?
  /// Whether the process of this life has been ready.
  package private(set) var wasReady = false
  /// Whether the policy's deadline passed without the process being ready.
  package private(set) var isLate = false
  /// Whether the process is to be started again once it has ended.
  private var startsAgain = false

  package init(policy: ReplicaPolicy) {
    self.policy = policy
  }

  /// Whether a process exists that has not been reported as ended.
  package var hasProcess: Bool {
    switch state {
    case .starting, .waiting, .ready, .unhealthy, .stopping: true
    case .idle, .restarting, .stopped, .failed: false
    }
  }

  /// Whether nothing will happen by itself any more.
  package var isSettled: Bool {
    switch state {
    case .idle, .stopped, .failed: true
    default: false
    }
  }

  /// Failures in a row, without being ready in between, that are told to the user.
  package static let failuresTold = 3

  /// Whether the user should be told that this replica does not come up.
  package var isFailing: Bool {
    switch state {
    case .failed: true
    case .ready, .stopped, .idle, .stopping: false
    default: isLate || failureCount >= Self.failuresTold
    }
  }
}

extension ReplicaStateMachine {
  /// Starts it, whatever became of it before; nothing happens while it runs.
  package mutating func start() -> [Action] {
    switch state {
    case .idle, .stopped, .failed:
      failureCount = 0
      return spawn()
    case .restarting:
      // Somebody does not want to wait for the backoff.
      failureCount = 0
      return [.disarm(.backoff)] + spawn()
    case .stopping:
      startsAgain = true
      return []
    case .starting, .waiting, .ready, .unhealthy:
      return []
    }
  }

  /// Ends it for good.
  package mutating func stop() -> [Action] {
    startsAgain = false
    switch state {
    case .starting, .waiting, .ready, .unhealthy:
      return terminate()
    case .restarting:
      state = .stopped
      return [.disarm(.backoff)]
    case .idle, .failed:
      state = .stopped
      return []
    case .stopping, .stopped:
      return []
    }
  }

  /// Ends it without waiting for the grace period.
  package mutating func kill() -> [Action] {
    guard hasProcess else { return stop() }
    startsAgain = false
    if case .stopping(isKilled: true) = state { return [] }
    state = .stopping(isKilled: true)
    return [.disarm(.stable), .disarm(.readiness), .disarm(.grace), .kill]
  }

  /// Ends it and starts it again.
  package mutating func restart() -> [Action] {
    guard hasProcess else { return start() }
    let actions = stop()
    startsAgain = true
    return actions
  }

  /// The process has ended, or could not be started at all.
  package mutating func ended(_ ending: ReplicaEnding) -> [Action] {
    guard hasProcess else { return [] }
    lastEnding = ending
    let timers: [Action] = [.disarm(.stable), .disarm(.readiness), .disarm(.grace)]
    if case .stopping = state {
      guard startsAgain else {
        state = .stopped
        return timers
      }
      failureCount = 0
      return timers + spawn()
    }
    guard ending.isFailure || policy.restart == .always else {
      state = .stopped
      return timers
    }
    failureCount += 1
    guard mayStartAgain(after: ending) else {
      state = .failed
      return timers
    }
    let delay = policy.backoff(afterFailures: failureCount)
    state = .restarting(after: delay)
    return timers + [.arm(.backoff, delay)]
  }

  private func mayStartAgain(after ending: ReplicaEnding) -> Bool {
    switch policy.restart {
    case .no: false
    case .always: true
    case .onFailure(let max): max.map { failureCount <= $0 } ?? true
    }
  }

  /// The replica's socket was asked.
  package mutating func observed(_ health: Health) -> [Action] {
    switch (state, health) {
    case (.starting, .serving), (.waiting, .serving), (.unhealthy, .serving):
      state = .ready
      wasReady = true
      isLate = false
      return [.disarm(.readiness), .arm(.stable, policy.stablePeriod)]
    case (.ready, .notServing(_, let reason)), (.unhealthy, .notServing(_, let reason)):
      return becomeUnhealthy(reason)
    case (.ready, .silent):
      return becomeUnhealthy("it does not answer")
    case (.starting, .notServing(let names, _)), (.waiting, .notServing(let names, _)):
      state = .waiting(for: names)
      return []
    default:
      return []
    }
  }

  private mutating func becomeUnhealthy(_ reason: String) -> [Action] {
    let isNews = state == .ready
    state = .unhealthy(reason: reason)
    return isNews ? [.disarm(.stable)] : []
  }

  /// A timer that was armed has run out.
  package mutating func elapsed(_ timer: Timer) -> [Action] {
    switch (timer, state) {
    case (.backoff, .restarting):
      restartCount += 1
      return spawn()
    case (.grace, .stopping(isKilled: false)):
      state = .stopping(isKilled: true)
      return [.kill]
    case (.stable, .ready):
      failureCount = 0
      return []
    case (.readiness, .starting), (.readiness, .waiting):
      isLate = true
      return []
    default:
      return []
    }
  }

  private mutating func spawn() -> [Action] {
    state = .starting
    startsAgain = false
    wasReady = false
    isLate = false
    return [.spawn, .arm(.readiness, policy.readyDeadline)]
  }

  private mutating func terminate() -> [Action] {
    state = .stopping(isKilled: false)
    return [
      .disarm(.stable), .disarm(.readiness), .terminate, .arm(.grace, policy.stopGrace),
    ]
  }
}
