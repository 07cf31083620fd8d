package import EventLoop
import Faults
import GatewayStandIn
import Machine
import ScoreContract
import Synchronization

/// Proves a mesh by killing it.
package enum Proof {
  /// Runs the whole proof; `told` hears how far it is. The folder is removed when all was well.
  package static func run(
    _ plan: ProofPlan, on loop: EventLoop, told: @escaping @Sendable (String) -> Void
  ) async throws -> ProofReport {
    try Files.makeDirectory(plan.folder)
    let start = loop.nowNanoseconds
    let mesh = try await ProofMesh(plan, script: script(seed: plan.seed), on: loop)
    var report: ProofReport
    do {
      try await mesh.start()
      report = try await prove(mesh, plan, loop, told)
    } catch {
      // A mesh that does not come back is what the proof is there to find.
      report = ProofReport()
      report.findings.append("the proof came to no end: \(Fault(describing: error))")
    }
    await mesh.stop()
    for process in mesh.processes {
      report.kills.append((process.name, await process.kills))
      report.findings += await process.unexpectedEnds
    }
    report.findings += try ProofDatabase.findings(in: mesh.database)
    report.seed = plan.seed
    report.seconds = Double(loop.nowNanoseconds - start) / 1e9
    if report.isProven { try Files.removeTree(plan.folder) }
    return report
  }

  /// A provider that is slow enough to be killed around, and not always well.
  static func script(seed: UInt64) -> StandInScript {
    var script = StandInScript()
    script.seed = seed
    script.latency = .milliseconds(3)
    script.latencySpread = .milliseconds(12)
    script.overloadedPerMille = 30
    script.rateLimitedPerMille = 10
    script.truncatedPerMille = 15
    script.garbledPerMille = 20
    script.droppedItemsPerMille = 20
    script.absurdItemsPerMille = 10
    script.uncertainPerMille = 10
    return script
  }

  private static func prove(
    _ mesh: ProofMesh, _ plan: ProofPlan, _ loop: EventLoop,
    _ told: @escaping @Sendable (String) -> Void
  ) async throws -> ProofReport {
    let load = ProofLoad(mesh: mesh, plan: plan, loop: loop)
    var references: [ProofRun] = []
    for spec in 0..<plan.specs {
      references.append(try await load.run(spec, key: "undisturbed-\(spec)"))
    }
    told("\(plan.specs) runs undisturbed; now \(plan.kills) kills")
    let isOver = OverFlag()
    let runs = try await withThrowingTaskGroup(of: [ProofRun].self) { group in
      for lane in 0..<plan.runsAtOnce {
        group.addTask(executorPreference: loop) {
          try await keepRunning(load, lane: lane, until: isOver)
        }
      }
      group.addTask(executorPreference: loop) {
        try await keepKilling(mesh, plan, loop, told)
        isOver.set()
        return []
      }
      var all: [ProofRun] = []
      do {
        for try await runs in group { all += runs }
      } catch {
        isOver.set()
        throw error
      }
      return all
    }
    var replays: [ProofRun] = []
    let deadline = loop.nowNanoseconds + 60_000_000_000
    for run in runs {
      replays.append(
        try await load.insisting(until: deadline) { try await load.replay(run.id, spec: run.spec) })
    }
    let sum = ProofSum(references: references, payments: try PaymentLog.read(mesh.payments))
    return sum.report(on: runs, replays: replays)
  }

  private static func keepRunning(
    _ load: ProofLoad, lane: Int, until isOver: OverFlag
  ) async throws -> [ProofRun] {
    var runs: [ProofRun] = []
    while !isOver.isSet {
      let spec = (lane + runs.count) % load.plan.specs
      runs.append(try await load.run(spec, key: "lane-\(lane)-\(runs.count)"))
    }
    return runs
  }

  private static func keepKilling(
    _ mesh: ProofMesh, _ plan: ProofPlan, _ loop: EventLoop,
    _ told: @escaping @Sendable (String) -> Void
  ) async throws {
    var random = ProofRandom(seed: plan.seed)
    var count = 0
    while count < plan.kills {
      try await loop.sleep(for: random.duration(in: plan.pause))
      let victim = mesh.processes[Int.random(in: 0..<mesh.processes.count, using: &random)]
      guard await victim.kill() else { continue }
      count += 1
      if count.isMultiple(of: 100) { told("\(count) kills") }
    }
  }
}

/// Whether the killing is over.
private final class OverFlag: Sendable {
  private let flag = Atomic<Bool>(false)
  var isSet: Bool { flag.load(ordering: .relaxed) }
  func set() { flag.store(true, ordering: .relaxed) }
}
