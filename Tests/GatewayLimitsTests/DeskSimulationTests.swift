import GatewayLimits
import GatewayPacing
import Glibc
import TestSupport
import Testing

@Suite struct DeskSimulationTests {
  /// Worlds of one test; many more when `SIMULATION_SEEDS` says so.
  private static let count =
    unsafe getenv("SIMULATION_SEEDS").flatMap { unsafe Int(String(cString: $0)) } ?? 120

  private func violations(_ plan: DeskPlan) throws -> (found: [String], sent: Int) {
    var world = try DeskWorld(plan)
    world.run()
    var configuration = plan.configuration
    for (_, looser) in plan.reloads { configuration = looser }
    let checker = LimitChecker(configuration: configuration, sent: world.sent)
    let done = world.sent.count + world.refused.count + world.cancelled.count
    var found = world.violations + checker.violations
    if done < plan.arrivals.count { found.append("some calls were forgotten") }
    return (found, world.sent.count)
  }

  @Test func `no observer ever sees a limit exceeded`() throws {
    if let given = unsafe getenv("TEST_SEED").flatMap({ unsafe UInt64(String(cString: $0)) }) {
      #expect(try violations(DeskPlan(seed: given)).found == [], "TEST_SEED=\(given)")
      return
    }
    var random = SeededRandom("desk")
    var sent = 0
    for _ in 0..<Self.count {
      let seed = random.next()
      let result = try violations(DeskPlan(seed: seed))
      sent += result.sent
      #expect(result.found == [], "TEST_SEED=\(seed)")
    }
    print("desk: \(Self.count) worlds, \(sent) calls let go")
  }

  @Test func `without the guard an observer does`() throws {
    let found = try (UInt64(1)...500).first {
      !(try violations(DeskPlan(seed: $0, guardMargin: 0))).found.isEmpty
    }
    #expect(found != nil)
    print("desk: without the guard, found by seed \(found.map(String.init) ?? "none")")
  }
}
