import Machine
import MeshContract

extension Replica {
  /// A replica as the command line sees it.
  init(_ runner: ReplicaRunner) {
    let machine = runner.machine
    self.init(
      service: runner.plan.service, instance: runner.plan.instance, state: State(machine.state),
      pid: runner.pid, restarts: UInt32(clamping: machine.restartCount),
      readyMs: runner.readyAfter.map { UInt32(clamping: $0.wholeMilliseconds) },
      rssBytes: UInt64(Processes.facts(of: runner.pid)?.residentByteCount ?? 0),
      socket: runner.plan.address ?? "", lastError: Self.lastError(of: runner),
      logPath: runner.plan.logPath, exit: machine.lastEnding.flatMap(Exit.init))
    if case .waiting(let names) = machine.state { waitingFor = names }
  }

  /// Why the user should look at it; empty when there is no reason to.
  private static func lastError(of runner: ReplicaRunner) -> String {
    let machine = runner.machine
    if case .unhealthy(let reason) = machine.state { return reason }
    guard machine.isFailing else { return "" }
    let limit = machine.policy.readyDeadline.wholeMilliseconds
    guard let ending = machine.lastEnding, !machine.isLate else {
      return "not ready after \(limit < 1000 ? "\(limit) ms" : "\(limit / 1000) s")"
    }
    let times = machine.failureCount == 1 ? "" : ", \(machine.failureCount) times in a row"
    return "\(ending)\(times)"
  }
}

extension Replica.State {
  init(_ state: ReplicaStateMachine.State) {
    self =
      switch state {
      case .idle, .starting: .starting
      case .waiting: .waiting
      case .ready: .ready
      case .unhealthy: .unhealthy
      case .restarting: .restarting
      case .stopping, .stopped: .stopped
      case .failed: .failed
      }
  }
}

extension Exit {
  init?(_ ending: ReplicaEnding) {
    switch ending {
    case .exited(let status): self.init(how: .status(status))
    case .killed(let signal): self.init(how: .signal(signal))
    case .notStarted: return nil
    }
  }
}

extension Duration {
  /// Without the rest.
  package var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
