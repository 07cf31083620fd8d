package import EventLoop
package import Failpoints
import Faults
import GatewayStandIn
import Machine
import RPC
import StoreContract

/// Tries a crash at named places: for each a mesh of its own, in which the process that comes
/// there ends, is started again, and everything is added up as after random kills.
package struct CrashSweep: Sendable {
  /// What came of one place.
  package struct Outcome: Sendable {
    package let order: Failpoint.Order
    package let isReached: Bool
    package let report: ProofReport
    /// A place must be passed once; how often beyond that depends on the run.
    package var isProven: Bool { (isReached || order.count > 1) && report.isProven }
  }

  private let plan: ProofPlan
  private let loop: EventLoop

  package init(_ plan: ProofPlan, on loop: EventLoop) {
    self.plan = plan
    self.loop = loop
  }

  /// The run that nobody disturbs, and what it pays: once for all places.
  package struct Undisturbed: Sendable {
    let runs: [ProofRun]
    let payments: [Payment]
  }

  package func undisturbed() async throws -> Undisturbed {
    let mesh = try await mesh("undisturbed")
    return try await stopping(mesh) {
      try await mesh.start()
      let load = ProofLoad(mesh: mesh, plan: plan, loop: loop)
      var runs: [ProofRun] = []
      for spec in 0..<plan.specs {
        runs.append(try await load.run(spec, key: "undisturbed-\(spec)"))
      }
      return Undisturbed(runs: runs, payments: try PaymentLog.read(mesh.payments))
    }
  }

  /// Ends the process that comes to that place, once, while the runs go on.
  package func crash(
    at order: Failpoint.Order, against undisturbed: Undisturbed
  ) async throws -> Outcome {
    let mesh = try await mesh("\(order.name)-\(order.count)")
    let service = order.name.prefix { $0 != "." }
    let armed = mesh.processes.filter { $0.name.hasPrefix(service) }
    let report = try await stopping(mesh) {
      for process in armed { await process.arm(order) }
      try await mesh.start()
      return try await score(on: mesh, against: undisturbed)
    }
    var isReached = false
    for process in armed {
      if await process.hasReachedFailpoint { isReached = true }
    }
    var whole = report
    whole.findings += try ProofDatabase.findings(in: mesh.database)
    for process in mesh.processes { whole.findings += await process.unexpectedEnds }
    if isReached, whole.isProven { try? Files.removeTree("\(plan.folder)/\(name(of: order))") }
    return Outcome(order: order, isReached: isReached, report: whole)
  }

  private func score(
    on mesh: ProofMesh, against undisturbed: Undisturbed
  ) async throws -> ProofReport {
    let load = ProofLoad(mesh: mesh, plan: plan, loop: loop)
    let runs = try await withThrowingTaskGroup(of: ProofRun.self) { group in
      for spec in 0..<plan.specs {
        group.addTask(executorPreference: loop) {
          try await load.run(spec, key: "crash-\(spec)", isNudged: spec == 0)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    let deadline = loop.nowNanoseconds + 60_000_000_000
    // Places that only a backup and an orderly end come to.
    try await load.insisting(until: deadline) {
      let request = BackupRequest(name: "sweep-\(loop.nowNanoseconds).db")
      for try await _ in mesh.store.backup(request) {}
    }
    for process in mesh.processes { await process.restart() }
    var replays: [ProofRun] = []
    for run in runs {
      replays.append(
        try await load.insisting(until: deadline) { try await load.replay(run.id, spec: run.spec) })
    }
    let sum = ProofSum(
      references: undisturbed.runs,
      payments: undisturbed.payments + (try PaymentLog.read(mesh.payments)))
    return sum.report(on: runs, replays: replays)
  }

  private func name(of order: Failpoint.Order) -> String { "\(order.name)-\(order.count)" }

  private func mesh(_ name: String) async throws -> ProofMesh {
    var own = plan
    own.folder = "\(plan.folder)/\(name)"
    try Files.makeDirectory(own.folder)
    return try await ProofMesh(own, script: Proof.script(seed: plan.seed), on: loop)
  }

  private func stopping<R: Sendable>(
    _ mesh: ProofMesh, _ body: () async throws -> R
  ) async throws -> R {
    do {
      let result = try await body()
      await mesh.stop()
      return result
    } catch {
      await mesh.stop()
      throw error
    }
  }
}
