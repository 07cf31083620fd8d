import Compose
package import Faults
import MeshContract

extension Supervisor {
  /// Starts or stops replicas until there are `count`; answers how many there were.
  ///
  /// Does not wait: new ones start, those with the highest numbers drain.
  package func scale(_ name: String, to count: Int) throws(Fault) -> Int {
    let service = try service(name)
    try checkIsFree(name)
    guard (0...ComposeLimits.replicasMax).contains(count) else {
      throw Fault(
        .invalidArgument, reason: "TOO_MANY_REPLICAS",
        "\(count) replicas of \(name); from 0 to \(ComposeLimits.replicasMax) are run.",
        facts: ["service": name, "limit": "replicasMax"])
    }
    if case .fixed(let address) = service.listening, count > 1 {
      throw Fault(
        .failedPrecondition, reason: "FIXED_ADDRESS",
        "\(name) listens at \(address), so it can have one replica.", facts: ["service": name])
    }
    let current = runners(of: name).filter { !$0.isRetired }
    for runner in current.dropFirst(count) { retire(runner) }
    for _ in current.count..<max(count, current.count) {
      add(service, number: freeNumber(of: name)).start()
    }
    return current.count
  }

  /// Stops and starts the replicas of a service; answers which.
  package func restart(_ name: String) throws(Fault) -> [String] {
    _ = try service(name)
    try checkIsFree(name)
    let current = runners(of: name).filter { !$0.isRetired }
    for runner in current { runner.restart() }
    return current.map(\.plan.instance)
  }

  /// Replaces the replicas of a service one by one, so that there are never fewer that are ready.
  ///
  /// A new replica that does not become ready is taken away again, and the rest stays as it is.
  package func rollingRestart(_ name: String) async throws(Fault) -> [String] {
    let service = try service(name)
    try checkIsFree(name)
    busy.insert(name)
    defer { busy.remove(name) }
    var replaced: [String] = []
    for old in runners(of: name).filter({ !$0.isRetired }) {
      if service.stopsFirst || !old.machine.hasProcess {
        old.restart()
        try await becomeReady(old.plan.instance, insteadOf: nil)
      } else {
        let fresh = add(service, number: freeNumber(of: name))
        fresh.start()
        try await becomeReady(fresh.plan.instance, insteadOf: old.plan.instance)
        retire(old)
        await goAway(old.plan.instance)
      }
      replaced.append(old.plan.instance)
    }
    return replaced
  }

  private func retire(_ runner: ReplicaRunner) {
    runner.isRetired = true
    if runner.machine.isSettled {
      runners.removeAll { $0 === runner }
    }
    runner.stop()
  }

  /// Waits for a replica; takes it away when it stands in for an old one and does not come up,
  /// or when nobody waits for it any more.
  private func becomeReady(
    _ instance: String, insteadOf old: String?
  ) async throws(Fault) {
    for await _ in changes() {
      guard phase == .running, let fresh = runner(instance) else {
        throw Fault(.aborted, reason: "STOPPING", "The mesh is being stopped.")
      }
      if fresh.machine.state == .ready { return }
      guard fresh.machine.isFailing else { continue }
      let cause = Replica(fresh).lastError
      if old != nil { retire(fresh) }
      let kept = old.map { " \($0) still runs." } ?? ""
      throw Fault(
        .failedPrecondition, reason: "RESTART_FAILED",
        "\(instance) did not become ready: \(cause).\(kept)",
        hint: "assay logs \(fresh.plan.service)", facts: ["instance": instance])
    }
    // The stream ends for who was cancelled.
    if old != nil, let fresh = runner(instance) { retire(fresh) }
    throw Fault(.cancelled, reason: "CANCELLED", "The restart was given up at \(instance).")
  }

  private func goAway(_ instance: String) async {
    for await _ in changes() where runner(instance)?.machine.hasProcess != true { return }
  }

  /// The lowest number that no replica of the service has.
  private func freeNumber(of service: String) -> Int {
    let taken = Set(runners(of: service).map(\.plan.number))
    return (1...).first { !taken.contains($0) } ?? taken.count + 1
  }

  private func service(_ name: String) throws(Fault) -> ServicePlan {
    guard let service = plan.service(name) else {
      throw SupervisorPlan.unknownService(name, among: plan.services.map(\.name))
    }
    return service
  }

  private func checkIsFree(_ name: String) throws(Fault) {
    guard phase == .running else {
      throw Fault(.unavailable, reason: "STOPPING", "The mesh is being stopped.")
    }
    guard !busy.contains(name) else {
      throw Fault(
        .aborted, reason: "BUSY", "\(name) is being restarted.",
        hint: "assay ps shows how far it is",
        facts: ["service": name])
    }
  }
}
