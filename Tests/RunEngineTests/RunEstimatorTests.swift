import OrchestratorContract
import RunEngine
import ScoreContract
import TestSupport
import Testing

@Suite struct RunEstimatorTests {
  private func estimate(_ engine: EngineHarness) throws -> EstimateResponse {
    var estimator = try RunEstimator(engine.task)
    while true {
      switch estimator.next() {
      case .done(let response): return response
      case .lookUp(let keys): estimator.lookedUp(try engine.store.verdicts(keys).get())
      }
    }
  }

  @Test func `an estimate is the plan of the run`() throws {
    var random = SeededRandom("estimate")
    for _ in 0..<60 {
      let count = Int.random(in: 0...700, using: &random)
      let texts = (0..<count).map { _ in "ok \(Int.random(in: 0...count, using: &random))" }
      var workload = ScriptedWorkload()
      workload.unitsMax = Int.random(in: 1...9, using: &random)
      let options = RunOptions(
        force: Bool.random(using: &random), limit: UInt32.random(in: 0...500, using: &random))
      let engine = EngineHarness(texts, options: options, workload: workload)
      engine.store.remember(
        Array(Set(texts.filter { _ in Int.random(in: 0..<4, using: &random) == 0 })), at: 0)
      let estimate = try estimate(engine)
      engine.own()
      #expect(estimate.units == engine.run.totals?.planned)
      #expect(estimate.calls == Int64(engine.calls.count))
      #expect(estimate.costExpectedNanos == engine.run.totals?.costNanos)
      #expect(estimate.costMostNanos >= estimate.costExpectedNanos)
      #expect(estimate.costExpectedNanos >= estimate.costLeastNanos)
    }
  }

  @Test func `an estimate says what is cached and what is beyond the limit`() throws {
    let engine = EngineHarness(["ok a", "ok b", "ok c"], options: RunOptions(limit: 2))
    engine.store.remember(["ok a"], at: 0)
    let response = try estimate(engine)
    #expect(response.units == 2 && response.cached == 1 && response.calls == 1)
    #expect(response.warnings.map(\.code) == ["LIMITED"])
  }
}
