import Faults
import GatewayContract
import JSON
import RunEngine
import ScoreContract
import Testing

@Suite struct RunStateMachineTests {
  private func oks(_ count: Int) -> [String] { (0..<count).map { "ok \($0)" } }

  @Test func `a run is planned, asked and completed`() {
    let engine = EngineHarness(oks(10))
    engine.own()
    #expect(engine.isReleased && engine.run.state == .completed)
    #expect(engine.run.totals?.succeeded == 10 && engine.calls.count == 3)
    #expect(engine.callsAtOnceMax == 3)
    #expect(engine.store.run()?.stages.map(\.state) == [.stageCompleted])
  }

  @Test func `an empty plan completes without a call`() {
    let engine = EngineHarness([])
    engine.own()
    #expect(engine.run.state == .completed && engine.calls.isEmpty)
  }

  @Test func `some units without a verdict make a run partial, all of them a failed one`() {
    let partial = EngineHarness(["ok a", "refuse b"])
    partial.own()
    #expect(partial.run.state == .partial && partial.run.reason == "units_failed")
    #expect(partial.store.run()?.stages.map(\.state) == [.stagePartial])
    let failed = EngineHarness(["refuse a", "never b"])
    failed.own()
    #expect(failed.run.state == .failed && failed.run.totals?.failed == 2)
    #expect(failed.store.run()?.stages.map(\.state) == [.stageFailed])
  }

  @Test func `a spec that cannot be planned fails the run without a call`() {
    let engine = EngineHarness(["unplannable"])
    engine.own()
    #expect(engine.run.state == .failed && engine.run.reason == "plan")
    #expect(engine.calls.isEmpty)
  }

  @Test func `cached units are skipped, all of them without a call`() {
    let engine = EngineHarness(oks(5))
    engine.store.remember(oks(5), at: 0)
    engine.own()
    #expect(engine.run.state == .completed && engine.calls.isEmpty)
    #expect(engine.units.allSatisfy { $0.skipReason == .cached && !$0.verdictId.isEmpty })
  }

  @Test func `what is asked again is asked anew, never out of a cache`() {
    let engine = EngineHarness(["never a"])
    engine.own()
    #expect(engine.calls.count > 1)
    #expect(engine.calls.first?.policy == nil)
    #expect(engine.calls.dropFirst().allSatisfy { $0.policy?.cache == .refresh })
    // The same in a later life of the run.
    let asked = engine.calls.count
    engine.resume(retryFailed: true)
    engine.own()
    #expect(engine.calls.count > asked)
    #expect(engine.calls.dropFirst(asked).allSatisfy { $0.policy?.cache == .refresh })
  }

  @Test func `a workload that knows how many calls begin alike tells the gateway`() {
    let engine = EngineHarness(
      oks(6) + ["never a"], workload: ScriptedWorkload(unitsMax: 1, prefixReuses: 5))
    engine.own()
    #expect(engine.calls.count > 7)
    #expect(engine.calls.allSatisfy { $0.policy?.prefixReuses == 5 })
    // Also of what is asked again, which is asked anew.
    #expect(engine.calls.contains { $0.policy?.cache == .refresh })
  }

  @Test func `units with one key are asked once and share the verdict`() {
    let engine = EngineHarness(["ok a", "ok a", "never b", "ok a", "never b"])
    engine.own()
    let units = engine.units
    #expect(units.map(\.state) == [.succeeded, .skipped, .unitFailed, .skipped, .unitFailed])
    #expect(units[1].verdictId == units[0].verdictId && units[4].failure?.reason == .missing)
    let asked = engine.calls.flatMap(ScriptedModel.asked).map(\.id)
    #expect(!asked.contains("u1") && !asked.contains("u4"))
  }

  @Test func `with force the followers take this run's verdict`() {
    let engine = EngineHarness(["ok a", "ok a"], options: RunOptions(force: true))
    engine.store.remember(["ok a"], at: 0)
    engine.own()
    #expect(engine.units.map(\.state) == [.succeeded, .skipped])
    #expect(engine.units[1].verdictId == engine.units[0].verdictId)
  }

  // MARK: - Stages

  @Test func `a stage begins when the one before has no open unit`() {
    var workload = ScriptedWorkload()
    workload.stageCounts = [3, 3]
    workload.unitsMax = 1
    let engine = EngineHarness(["ok 0", "flaky2 1", "never 2"] + oks(3), workload: workload)
    engine.own()
    let asked = engine.calls.flatMap(ScriptedModel.asked).map(\.id)
    let firstOfSecond = asked.firstIndex { ["u3", "u4", "u5"].contains($0) } ?? 0
    let lastOfFirst = asked.lastIndex { ["u0", "u1", "u2"].contains($0) } ?? 0
    #expect(lastOfFirst < firstOfSecond)
    #expect(engine.store.run()?.stages.map(\.state) == [.stagePartial, .stageCompleted])
  }

  @Test func `a failed unit of a fail-fast stage fails the run`() {
    var workload = ScriptedWorkload()
    workload.stageCounts = [2, 2]
    workload.unitsMax = 1
    workload.isFailFast = true
    let engine = EngineHarness(["ok 0", "refuse 1", "ok 2", "ok 3"], workload: workload)
    engine.own()
    #expect(engine.run.state == .failed && engine.run.reason == "stage_failed")
    #expect(engine.units.suffix(2).allSatisfy { $0.skipReason == .runEnded })
    #expect(engine.store.run()?.stages.map(\.state) == [.stageFailed, .stageCancelled])
  }

  // MARK: - Approval

  @Test func `a dear run waits to be approved, and goes on when it is`() {
    let engine = EngineHarness(oks(4), options: RunOptions(approvalAboveNanos: 23))
    engine.own()
    #expect(engine.run.state == .awaitingApproval && engine.isReleased && engine.calls.isEmpty)
    engine.store.ask(.approve, at: 1)
    engine.own()
    #expect(engine.run.state == .completed)
    let cheap = EngineHarness(oks(4), options: RunOptions(approvalAboveNanos: 24))
    cheap.own()
    #expect(cheap.run.state == .completed)
  }

  @Test func `a dear run that is cancelled ends without a call`() {
    let engine = EngineHarness(oks(4), options: RunOptions(approvalAboveNanos: 1))
    engine.own()
    engine.store.ask(.cancel, at: 1)
    engine.own()
    #expect(engine.run.state == .cancelled && engine.calls.isEmpty)
    #expect(engine.units.allSatisfy { $0.skipReason == .runEnded })
  }

  // MARK: - The gateway's refusals

  @Test func `too long a batch is halved, a single unit fails`() {
    let engine = EngineHarness(["ok a", "huge b", "ok c"])
    engine.own()
    #expect(engine.units.map(\.state) == [.succeeded, .succeeded, .succeeded])
    let single = EngineHarness(["ok a"])
    single.gateway = { _ in .failure(Fault(.outOfRange, reason: "CONTEXT_TOO_LONG", "")) }
    single.own()
    #expect(single.units.first?.failure?.reason == .overflow)
  }

  @Test func `bad credentials fail the run at once`() {
    var workload = ScriptedWorkload()
    workload.unitsMax = 1
    let engine = EngineHarness(oks(30), workload: workload)
    engine.gateway = { _ in
      .failure(Fault(.unauthenticated, reason: "BAD_CREDENTIALS", "No key."))
    }
    engine.own()
    #expect(engine.run.state == .failed && engine.run.reason == "authorization")
    #expect(engine.calls.count <= 4)
    #expect(engine.units.allSatisfy { $0.skipReason == .runEnded })
  }

  @Test func `a spent quota pauses, or ends the run when its options say so`() {
    for (choice, state) in [(OnShortage.pauseRun, RunState.paused), (.endRun, .failed)] {
      let engine = EngineHarness(oks(6), options: RunOptions(onQuota: choice))
      engine.gateway = { _ in .failure(Fault(.resourceExhausted, reason: "QUOTA_EXHAUSTED", "")) }
      engine.own()
      #expect(engine.run.state == state && engine.run.reason == "quota")
    }
  }

  @Test func `errors that pass are tried again under the same key`() {
    let engine = EngineHarness(["ok a"])
    var left = 4
    engine.gateway = { _ in
      left -= 1
      return left >= 0 ? .failure(Fault(.unavailable, reason: "PROVIDER_UNAVAILABLE", "")) : nil
    }
    engine.own()
    #expect(engine.run.state == .completed && engine.calls.count == 5)
    #expect(Set(engine.calls.map(\.callKey)).count == 1)
    left = .max
    let failing = EngineHarness(["ok a"])
    failing.gateway = engine.gateway
    failing.own()
    #expect(failing.units.first?.failure?.reason == .transient)
    #expect(failing.units.first?.failure?.isRetryable == true)
  }

  @Test func `a lost call is charged at its bound and asked again`() {
    let engine = EngineHarness(["ok a"])
    var isFirst = true
    engine.gateway = { _ in
      defer { isFirst = false }
      let fault = Fault(
        .aborted, reason: "CALL_UNCERTAIN", "", facts: ["cost_nanos": "9"])
      return isFirst ? .failure(fault) : nil
    }
    engine.own()
    #expect(engine.run.state == .completed && Set(engine.calls.map(\.callKey)).count == 2)
    #expect(engine.run.totals?.lostAttempts == 1 && engine.run.totals?.costNanos == 9 + 6)
  }

  @Test func `a gateway that stays away fails units as retryable, charged at their bound`() {
    let engine = EngineHarness(["ok a", "ok b"])
    engine.gateway = { _ in .failure(Fault(.unavailable, reason: "CONNECTION_LOST", "Gone.")) }
    engine.own()
    #expect(engine.run.state == .failed && engine.now > EngineLimits.patienceMs)
    #expect(engine.units.allSatisfy { $0.failure?.isRetryable == true })
    #expect(engine.run.totals?.costNanos == 20 && engine.run.totals?.lostAttempts == 1)
    engine.gateway = { _ in nil }
    engine.resume(retryFailed: true)
    engine.own()
    #expect(engine.run.state == .completed && Set(engine.calls.map(\.callKey)).count == 2)
  }

  @Test func `slots are not held while calls wait`() {
    var workload = ScriptedWorkload()
    workload.unitsMax = 1
    let engine = EngineHarness(
      oks(9), options: RunOptions(width: 1), workload: workload)
    engine.gateway = { request in
      let isFirst = ScriptedModel.asked(request).first?.id == "u0"
      guard isFirst, engine.now < 5_000 else { return nil }
      return .failure(
        Fault(.resourceExhausted, reason: "RATE_LIMITED", "", retryAfter: .seconds(5)))
    }
    engine.own()
    #expect(engine.run.state == .completed && engine.callsAtOnceMax == 1)
    #expect(engine.calls.dropFirst().prefix(8).allSatisfy { !$0.blocks[0].text.contains("u0") })
  }
}
