import Glibc
import RunEngine
import TestSupport
import Testing

@Suite struct SimulationTests {
  /// Worlds of one test; many more when `SIMULATION_SEEDS` says so.
  private static let count =
    unsafe getenv("SIMULATION_SEEDS").flatMap { unsafe Int(String(cString: $0)) } ?? 300

  @Test func `a disturbed run ends as an undisturbed one`() {
    if let given = unsafe getenv("TEST_SEED").flatMap({ unsafe UInt64(String(cString: $0)) }) {
      let report = SimulationReport(SimulationPlan(seed: given))
      #expect(report.violations == [], "TEST_SEED=\(given)")
      return
    }
    var random = SeededRandom("simulation")
    var events = 0
    var faults: [String: Int] = [:]
    for _ in 0..<Self.count {
      let seed = random.next()
      let report = SimulationReport(SimulationPlan(seed: seed))
      events += report.events
      faults.merge(report.faults, uniquingKeysWith: +)
      #expect(report.violations == [], "TEST_SEED=\(seed)")
    }
    print("simulation: \(Self.count) worlds, \(events) events, faults \(faults)")
  }

  @Test func `the same seed is the same world`() {
    for seed in UInt64(1)...12 {
      let plan = SimulationPlan(seed: seed)
      #expect(SimulationReport(plan).trace == SimulationReport(plan).trace)
    }
  }

  @Test(arguments: PlantedBug.allCases)
  func `a planted bug is found`(_ bug: PlantedBug) {
    let found = (UInt64(1)...200).first {
      !SimulationReport(SimulationPlan(seed: $0, bug: bug)).violations.isEmpty
        && SimulationReport(SimulationPlan(seed: $0)).violations.isEmpty
    }
    #expect(found != nil)
    print("planted \(bug): found by seed \(found.map(String.init) ?? "none")")
  }

  /// P6: whoever owns the run dies at any step, and nothing is different afterwards.
  @Test(arguments: UInt64(1)...4)
  func `a crash at any step changes nothing`(_ seed: UInt64) {
    var plan = SimulationPlan(seed: seed * 1_000)
    plan.texts = Array(plan.texts.prefix(12))
    plan.workload.stageCounts = []
    plan.faultsUntil = 0
    plan.requests = plan.requests.map { (at: $0.at % 1_500, $0.1) }
    let calm = SimulationReport.undisturbed(plan)
    var step = 1
    while true {
      plan.crashAtEvent = step
      let report = SimulationReport(plan, calm: calm)
      #expect(report.violations == [], "seed \(seed), crash at event \(step)")
      if step > report.events { break }
      step += 1
    }
  }
}
