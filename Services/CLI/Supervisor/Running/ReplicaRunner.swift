import EventLoop
import Glibc
import Machine

/// One replica as it runs: its state machine, process, timers and log. Belongs to its loop.
final class ReplicaRunner {
  let plan: ReplicaPlan
  let log: ReplicaLog
  private(set) var machine: ReplicaStateMachine
  /// Counts processes; what was begun for one life means nothing in the next.
  private(set) var life = 0
  /// From the start of this life to its being ready.
  private(set) var readyAfter: Duration?
  /// Whether the replica is to be forgotten once it has ended.
  var isRetired = false

  private let loop: EventLoop
  private let guardWords: [String]
  private let notify: (ReplicaRunner) -> Void
  private let say: (ReplicaRunner, String) -> Void
  private var child: ChildProcess?
  private var timers: [ReplicaStateMachine.Timer: LoopTimer] = [:]
  private var spawnedAt: UInt64 = 0

  /// `notify` is called after each change, `say` for each line the replica prints.
  init(
    _ plan: ReplicaPlan, policy: ReplicaPolicy, guardWords: [String], on loop: EventLoop,
    notify: @escaping (ReplicaRunner) -> Void, say: @escaping (ReplicaRunner, String) -> Void
  ) {
    self.plan = plan
    self.loop = loop
    self.guardWords = guardWords
    self.notify = notify
    self.say = say
    machine = ReplicaStateMachine(policy: policy)
    log = ReplicaLog(path: plan.logPath)
  }

  var pid: Int32 { child?.pid ?? 0 }

  func start() { change { $0.start() } }
  func stop() { change { $0.stop() } }
  func kill() { change { $0.kill() } }
  func restart() { change { $0.restart() } }

  /// What the replica's socket said; nothing when it was asked in an earlier life.
  func observed(_ health: ReplicaStateMachine.Health, life: Int) {
    guard life == self.life else { return }
    change { $0.observed(health) }
    if machine.state == .ready, readyAfter == nil {
      readyAfter = .nanoseconds(Int64(clamping: loop.nowNanoseconds - spawnedAt))
      notify(self)
    }
  }

  private func change(_ step: (inout ReplicaStateMachine) -> [ReplicaStateMachine.Action]) {
    let before = machine
    let actions = step(&machine)
    for action in actions { perform(action) }
    if machine != before { notify(self) }
  }

  private func perform(_ action: ReplicaStateMachine.Action) {
    switch action {
    case .spawn: spawn()
    case .terminate: _ = child?.kill(SIGTERM)
    case .kill: _ = child?.kill(SIGKILL, wholeGroup: true)
    case .arm(let timer, let delay):
      timers[timer]?.cancel()
      timers[timer] = loop.schedule(after: delay) { [weak self] in
        self?.timers[timer] = nil
        self?.change { $0.elapsed(timer) }
      }
    case .disarm(let timer):
      timers[timer]?.cancel()
      timers[timer] = nil
    }
  }

  // MARK: - The process

  private func spawn() {
    life += 1
    spawnedAt = loop.nowNanoseconds
    readyAfter = nil
    do {
      for folder in plan.folders { try Files.makeDirectories(folder) }
      child = try ChildProcess(launch(), on: loop) { [weak self] exit in
        self?.ended(
          exit.signal == 0 ? .exited(status: exit.status) : .killed(signal: exit.signal))
      }
    } catch {
      // Told in a turn of its own: the machine is in the middle of its step.
      let reason = "\(error)"
      _ = loop.schedule(after: .zero) { [weak self] in
        self?.ended(.notStarted(reason: reason))
      }
    }
  }

  private func launch() -> ChildLaunch {
    let words = guardWords + [plan.executable] + plan.arguments
    var launch = ChildLaunch(
      words[0], Array(words.dropFirst()), environment: plan.environment,
      workingDirectory: plan.workingDirectory)
    // A ^C of the terminal goes to the supervisor alone, which stops the rest in order.
    launch.leadsSession = true
    launch.output = .lines { [weak self] in self?.printed($0) }
    launch.errorOutput = .lines { [weak self] in self?.printed($0) }
    return launch
  }

  private func printed(_ line: String) {
    log.append(line)
    say(self, line)
  }

  private func ended(_ ending: ReplicaEnding) {
    child = nil
    if let socket = plan.socketPath { try? Files.remove(socket) }
    try? Files.removeTree(plan.temporaryFolder)
    change { $0.ended(ending) }
  }
}
