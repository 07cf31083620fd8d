// Supervisor: the mesh of a compose file as plain processes: started at once, watched, restarted
// by policy, scaled and stopped in order, with a control socket for the command line. It decides
// nothing about what services do, waits for nobody on their behalf, and leaves nothing behind:
// no process, no socket, no temporary file. What is to run is a `SupervisorPlan`, made before
// anything starts; what becomes of one replica is a `ReplicaStateMachine`.
// Limits: `ReplicaPolicy`, `ComposeLimits`, `ReplicaLog`.

package import EventLoop
package import Faults
import Machine
package import MeshContract
import RPC

/// Runs a plan until it is told to stop.
package actor Supervisor: LoopActor {
  package nonisolated let loop: EventLoop
  package nonisolated let plan: SupervisorPlan

  enum Phase: Equatable { case idle, running, stopping, ended }

  var phase = Phase.idle
  /// In the order of the plan, then by number.
  var runners: [ReplicaRunner] = []
  /// Who asks each replica for its health, and in which of its lives.
  var probes: [String: (life: Int, task: Task<Void, Never>)] = [:]
  /// Services that are being scaled or restarted right now.
  var busy: Set<String> = []
  private var watchers: [UInt64: AsyncStream<Void>.Continuation] = [:]
  private var nextWatcher: UInt64 = 0
  private let onLine: @Sendable (_ instance: String, _ line: String) -> Void

  /// `onLine` gets every line that any replica prints, on the loop.
  package init(
    _ plan: SupervisorPlan, on loop: EventLoop,
    onLine: @escaping @Sendable (_ instance: String, _ line: String) -> Void = { _, _ in }
  ) {
    self.plan = plan
    self.loop = loop
    self.onLine = onLine
  }

  /// Starts everything, serves the control socket, and returns when all has been stopped.
  ///
  /// Fails when another supervisor runs the same project.
  package func run() async throws(Fault) {
    try plan.run.prepare(user: Processes.ownUser)
    guard let lock = try plan.run.hold() else { throw Self.alreadyRunning(plan.project) }
    await Self.endStale(plan.run, on: loop)
    let control = ControlService(supervisor: self)
    let server = try await control.serve(plan.run.controlSocket, on: loop)
    startAll()
    await ended()
    await server.drain()
    try? plan.run.clear()
    // Read here so that the lock is held until nothing is left.
    _ = lock.descriptor
  }

  package static func alreadyRunning(_ project: String) -> Fault {
    Fault(
      .alreadyExists, reason: "ALREADY_RUNNING", "The mesh \(project) is running already.",
      hint: "assay ps shows it, assay down stops it")
  }

  /// Ends what a supervisor that was killed has left; only for who holds the lock.
  package static func endStale(_ run: RunDirectory, on loop: EventLoop) async {
    let text = (try? Files.readText(run.processRecord)) ?? ""
    _ = await ProcessRecord(parsing: text).end(within: .seconds(5), on: loop)
    for folder in ["\(run.path)/v", "\(run.path)/tmp"] {
      for name in Files.entries(of: folder) { try? Files.removeTree("\(folder)/\(name)") }
    }
    try? Files.remove(run.processRecord)
  }

  private func startAll() {
    guard phase == .idle else { return }
    phase = .running
    for service in plan.services {
      for number in 0..<service.replicas { add(service, number: number + 1).start() }
    }
    // Nothing to wait for when all services have no replica.
    noteChange()
  }

  // MARK: - Replicas

  /// A replica that is known and not started.
  func add(_ service: ServicePlan, number: Int) -> ReplicaRunner {
    let runner = ReplicaRunner(
      service.replica(number), policy: service.policy, guardWords: plan.guardWords, on: loop,
      notify: { runner in self.changed(runner) },
      say: { runner, line in self.onLine(runner.plan.instance, line) })
    runners.append(runner)
    let order = Dictionary(
      uniqueKeysWithValues: plan.services.enumerated().map { ($1.name, $0) })
    runners.sort {
      let (left, right) = (order[$0.plan.service] ?? 0, order[$1.plan.service] ?? 0)
      return left == right ? $0.plan.number < $1.plan.number : left < right
    }
    return runner
  }

  func runners(of service: String) -> [ReplicaRunner] {
    runners.filter { $0.plan.service == service }
  }

  func runner(_ instance: String) -> ReplicaRunner? {
    runners.first { $0.plan.instance == instance }
  }

  private func changed(_ runner: ReplicaRunner) {
    let instance = runner.plan.instance
    // A restart leads from one life to the next without a moment in between.
    if let probe = probes[instance], probe.life != runner.life || !runner.machine.hasProcess {
      probe.task.cancel()
      probes[instance] = nil
    }
    if probes[instance] == nil, runner.machine.state == .starting { beginProbe(of: runner) }
    if runner.isRetired, runner.machine.isSettled {
      runners.removeAll { $0 === runner }
    }
    noteChange()
  }

  /// Writes down which processes run, and wakes who waits for a change.
  private func noteChange() {
    writeRecord()
    for watcher in watchers.values { watcher.yield() }
  }

  private var recordedPIDs: [Int32] = []

  private func writeRecord() {
    let pids = runners.map(\.pid).filter { $0 > 0 }
    guard pids != recordedPIDs || recordedPIDs.isEmpty else { return }
    recordedPIDs = pids
    let running = runners.filter { $0.pid > 0 }.map { (pid: $0.pid, name: $0.plan.instance) }
    let record = ProcessRecord(pids: running + [(Processes.own, "supervisor")])
    try? Files.replace(plan.run.processRecord, with: record.text)
  }

  // MARK: - Watching

  /// A value now and after changes; several changes may come as one.
  package func changes() -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream<Void>.makeStream(
      bufferingPolicy: .bufferingNewest(1))
    let number = nextWatcher
    nextWatcher += 1
    watchers[number] = continuation
    continuation.onTermination = { _ in
      Task { await self.forget(number) }
    }
    continuation.yield()
    if phase == .ended { continuation.finish() }
    return stream
  }

  private func forget(_ watcher: UInt64) { watchers[watcher] = nil }

  func finishWatchers() {
    for watcher in watchers.values {
      watcher.yield()
      watcher.finish()
    }
  }

  /// Every replica as it is now.
  package var replicas: [Replica] { runners.map(Replica.init) }

  /// Returns once all has been stopped.
  private func ended() async {
    for await _ in changes() where phase == .ended { return }
  }
}
