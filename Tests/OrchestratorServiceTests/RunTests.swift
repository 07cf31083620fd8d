import EventLoop
import Faults
import GatewayStandIn
import OrchestratorContract
import RPC
import ScoreContract
import StoreContract
import TestSupport
import Testing

/// Runs from submission to end, through a real store and a gateway that stands in.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RunTests {
  private let texts = (0..<20).map { "text \($0)" }

  @Test func `a run scores everything it was given, and its log has no gap`() async throws {
    try await OrchestratorFixture.with { mesh in
      let answer = try await mesh.submit(mesh.spec(texts))
      let events = try await mesh.watch(answer.runId)
      #expect(events.isGapless && events.first?.seq == 1)
      #expect(events.scores.count == 20)
      #expect(events.compactMap(\.state) == [.pending, .planning, .running, .completed])
      let run = try await mesh.run(answer.runId)
      #expect(run.totals?.succeeded == 20 && run.totals?.attempts == 10)
      #expect(run.lastSeq == events.last?.seq)
      let paid = try PaymentLog.read(mesh.payments)
      #expect(paid.count == 10)
      #expect(paid.reduce(0) { $0 + $1.costNanos } == run.totals?.costNanos)
    }
  }

  @Test func `the estimate is the plan, and what is kept is not paid again`() async throws {
    try await OrchestratorFixture.with { mesh in
      let spec = mesh.spec(texts)
      let before = try await mesh.orchestrator.estimate(EstimateRequest(spec: spec))
      #expect(before.units == 20 && before.cached == 0 && before.calls == 10)
      let first = try await mesh.submit(spec)
      _ = try await mesh.watch(first.runId)
      let cost = try await mesh.run(first.runId).totals?.costNanos ?? 0
      #expect((before.costLeastNanos...before.costMostNanos).contains(cost))
      let more = mesh.spec(texts + ["one more"])
      let after = try await mesh.orchestrator.estimate(EstimateRequest(spec: more))
      #expect(after.units == 21 && after.cached == 20 && after.calls == 1)
      let second = try await mesh.submit(more)
      _ = try await mesh.watch(second.runId)
      let totals = try await mesh.run(second.runId).totals
      #expect(totals?.skipped == 20 && totals?.succeeded == 1 && totals?.attempts == 1)
    }
  }

  @Test func `replies that cannot be used are asked again, and never become scores`()
    async throws
  {
    var script = StandInScript()
    script.truncatedPerMille = 100
    script.garbledPerMille = 100
    script.droppedItemsPerMille = 100
    script.absurdItemsPerMille = 50
    script.uncertainPerMille = 100
    try await OrchestratorFixture.with(script) { mesh in
      let many = (0..<80).map { "text \($0)" }
      let answer = try await mesh.submit(mesh.spec(many))
      let events = try await mesh.watch(answer.runId)
      let totals = try #require(try await mesh.run(answer.runId).totals)
      #expect(totals.succeeded + totals.failed == 80 && totals.succeeded > 60)
      #expect(events.scores.values.allSatisfy { (0...100).contains($0) })
      #expect(events.scores.count == Int(totals.succeeded))
      let paid = try PaymentLog.read(mesh.payments)
      #expect(Set(paid.map(\.callKey)).count == paid.count)
      #expect(paid.count == Int(totals.attempts) && totals.lostAttempts > 0)
    }
  }

  @Test func `another replica goes on where one vanished, and nothing is paid twice`()
    async throws
  {
    var script = StandInScript()
    script.latency = .milliseconds(20)
    try await OrchestratorFixture.with(script, owners: 2) { mesh in
      let many = (0..<60).map { "text \($0)" }
      let answer = try await mesh.submit(mesh.spec(many))
      for part in 1...2 {
        let seen = try await events(of: answer.runId, atLeast: part * 15, mesh)
        #expect(seen.isGapless)
        await mesh.killOwner()
        mesh.addOwner()
      }
      let events = try await mesh.watch(answer.runId)
      #expect(events.isGapless && events.scores.count == 60)
      #expect(events.count { $0.endsRun } == 1)
      let paid = try PaymentLog.read(mesh.payments)
      #expect(paid.count == 30 && Set(paid.map(\.content)).count == 30)
    }
  }

  @Test func `a replica that stood still takes the runs again that it lost meanwhile`()
    async throws
  {
    var script = StandInScript()
    script.latency = .milliseconds(10)
    try await OrchestratorFixture.with(script) { mesh in
      let answer = try await mesh.submit(mesh.spec((0..<60).map { "text \($0)" }))
      for part in 1...3 {
        _ = try await events(of: answer.runId, atLeast: part * 10, mesh)
        await mesh.standStill(for: .milliseconds(700))
      }
      let all = try await mesh.watch(answer.runId)
      #expect(all.isGapless && all.last?.state == .completed && all.scores.count == 60)
      #expect(try PaymentLog.read(mesh.payments).count == 30)
    }
  }

  private func events(
    of runID: String, atLeast count: Int, _ mesh: OrchestratorFixture
  ) async throws -> [Event] {
    var events: [Event] = []
    let answers = mesh.orchestrator.watch(WatchRequest(runId: runID))
    for try await answer in answers {
      events += answer.events
      if events.count >= count { break }
    }
    return events
  }

  @Test func `a cancelled run keeps what it paid for, and ends`() async throws {
    var script = StandInScript()
    script.latency = .milliseconds(30)
    try await OrchestratorFixture.with(script) { mesh in
      let many = (0..<400).map { "text \($0)" }
      let answer = try await mesh.submit(mesh.spec(many))
      _ = try await events(of: answer.runId, atLeast: 12, mesh)
      _ = try await mesh.orchestrator.cancel(CancelRequest(runId: answer.runId))
      let all = try await mesh.watch(answer.runId)
      #expect(all.last?.state == .cancelled)
      let totals = try #require(try await mesh.run(answer.runId).totals)
      #expect(totals.succeeded == Int64(all.scores.count) && totals.succeeded < 400)
      #expect(totals.succeeded + totals.skipped == 400)
      #expect(try PaymentLog.read(mesh.payments).count == Int(totals.attempts))
      // And goes on when somebody wants it to.
      _ = try await mesh.orchestrator.resume(ResumeRequest(runId: answer.runId))
      let rest = try await mesh.watch(answer.runId, after: all.last?.seq ?? 0)
      #expect(rest.last?.state == .completed)
      let whole = try await mesh.run(answer.runId)
      #expect(whole.totals?.succeeded == 400)
      #expect(try PaymentLog.read(mesh.payments).count == 200)
    }
  }

  @Test func `a paused run waits, and a cap is never passed`() async throws {
    var script = StandInScript()
    script.latency = .milliseconds(5)
    try await OrchestratorFixture.with(script) { mesh in
      let many = (0..<200).map { "text \($0)" }
      let cap: Int64 = 12_000_000
      let answer = try await mesh.submit(mesh.spec(many) { $0.budgetCapNanos = cap })
      let events = try await mesh.watch(answer.runId, until: .paused)
      #expect(events.last { $0.state != nil }?.state == .paused)
      let paused = try await mesh.run(answer.runId)
      #expect(paused.reason == "budget")
      #expect((paused.totals?.costNanos ?? 0) <= cap)
      #expect(try PaymentLog.read(mesh.payments).reduce(0) { $0 + $1.costNanos } <= cap)
      _ = try await mesh.orchestrator.resume(
        ResumeRequest(runId: answer.runId, budgetCapNanos: 1_000_000_000))
      let rest = try await mesh.watch(answer.runId, after: paused.lastSeq)
      #expect(rest.last?.state == .completed)
      let whole = try await mesh.run(answer.runId)
      #expect(whole.totals?.succeeded == 200)
    }
  }

  @Test func `everybody who watches sees the same log, whenever they came`() async throws {
    var script = StandInScript()
    script.latency = .milliseconds(3)
    try await OrchestratorFixture.with(script) { mesh in
      let many = (0..<200).map { "text \($0)" }
      let answer = try await mesh.submit(mesh.spec(many))
      let logs = try await withThrowingTaskGroup(of: [Event].self) { group in
        for index in 0..<60 {
          group.addTask {
            try await mesh.loop.sleep(for: .milliseconds(index * 4))
            return try await mesh.watch(answer.runId)
          }
        }
        return try await group.reduce(into: [[Event]]()) { $0.append($1) }
      }
      let whole = try await mesh.watch(answer.runId)
      #expect(whole.isGapless && whole.scores.count == 200)
      #expect(logs.allSatisfy { $0 == whole })
    }
  }
}
