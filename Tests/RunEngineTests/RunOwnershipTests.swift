import Faults
import GatewayContract
import Glibc
import JSON
import RunEngine
import ScoreContract
import TestSupport
import Testing

/// Stops, resumes, and hands that change.
@Suite struct RunOwnershipTests {
  private func oks(_ count: Int) -> [String] { (0..<count).map { "ok \($0)" } }

  private var single: ScriptedWorkload {
    var workload = ScriptedWorkload()
    workload.unitsMax = 1
    return workload
  }

  // MARK: - Budget

  @Test func `a run ends at its cap with what is missing and its price`() throws {
    let options = RunOptions(width: 2, budgetCapNanos: 40, onBudget: .endRun)
    let engine = EngineHarness(oks(10), options: options, workload: single)
    engine.own()
    #expect(engine.run.state == .partial && engine.run.reason == "budget")
    let spent = engine.run.totals?.costNanos ?? 0
    #expect(spent <= 40 && spent + 10 > 40)
    let missing = engine.units.filter { $0.skipReason == .skippedBudget }.count
    #expect(missing == 10 - Int(spent / 6))
    let outcome = try JSONValue(parsing: engine.run.outcome).objectValue
    #expect(outcome?["missing"]?.intValue == missing)
    #expect(outcome?["missing_most_nanos"]?.intValue == missing * 10)
  }

  @Test func `a raised cap resumes to the same result`() {
    for choice in [OnShortage.endRun, .pauseRun] {
      let options = RunOptions(width: 2, budgetCapNanos: 25, onBudget: choice)
      let engine = EngineHarness(oks(10), options: options, workload: single)
      engine.own()
      #expect(engine.run.state == (choice == .endRun ? .partial : .paused))
      engine.store.ask(.resume, cap: 1_000, at: 5)
      engine.own()
      #expect(engine.run.state == .completed && engine.run.totals?.succeeded == 10)
      #expect(engine.calls.count == 10 && engine.run.generation == 1)
    }
  }

  // MARK: - Pause, cancel, timeout

  @Test func `a pause settles what is in flight and asks nothing new`() {
    let engine = EngineHarness(oks(9), options: RunOptions(width: 2), workload: single)
    engine.holdsCalls = true
    engine.own()
    engine.ask(.pause)
    #expect(engine.run.state == .running)
    engine.answerCalls()
    #expect(engine.run.state == .paused && engine.run.reason == "operator" && engine.isReleased)
    #expect(engine.run.totals?.succeeded == 2 && engine.calls.count == 2)
    engine.holdsCalls = false
    engine.store.ask(.resume, at: 9)
    engine.own()
    #expect(engine.run.state == .completed && engine.calls.count == 9)
  }

  @Test func `a request that is told too late changes nothing, one told too early is heard`() {
    let late = EngineHarness(oks(3), workload: single)
    late.holdsCalls = true
    late.own()
    late.feed(.requested(.cancel))
    late.holdsCalls = false
    late.answerCalls()
    #expect(late.run.state == .completed)
    let early = EngineHarness(oks(3), workload: single)
    early.own(toldBefore: .cancel)
    #expect(early.run.state == .cancelled)
  }

  @Test func `a cancelled run keeps what was paid and skips the rest`() {
    let engine = EngineHarness(oks(600), options: RunOptions(width: 3), workload: single)
    engine.holdsCalls = true
    engine.own()
    engine.ask(.cancel)
    #expect(engine.run.state == .cancelling)
    engine.answerCalls()
    #expect(engine.run.state == .cancelled && engine.run.totals?.succeeded == 3)
    #expect(engine.units.count { $0.skipReason == .runEnded } == 597)
    engine.holdsCalls = false
    engine.store.ask(.resume, at: 9)
    engine.own()
    #expect(engine.run.state == .completed && engine.calls.count == 600)
  }

  @Test func `a run that is cancelled while it is planned can be resumed`() {
    let engine = EngineHarness(oks(1_000))
    engine.own(steps: 5)
    engine.ask(.cancel)
    #expect(engine.run.state == .cancelled && engine.calls.isEmpty)
    #expect((1..<1_000).contains(engine.run.totals?.planned ?? 0))
    engine.store.ask(.resume, at: 9)
    engine.own()
    #expect(engine.run.state == .completed && engine.run.totals?.succeeded == 1_000)
  }

  @Test func `a run ends when its time is over, whoever owns it`() {
    let options = RunOptions(timeoutMs: 10_000)
    let engine = EngineHarness(oks(9), options: options, workload: single)
    engine.holdsCalls = true
    engine.own()
    engine.own(ranForMs: 9_000)
    engine.advance(1_001)
    engine.answerCalls()
    #expect(engine.run.state == .timedOut && engine.run.reason == "timeout")
    #expect(engine.units.allSatisfy { $0.state != .open })
  }

  @Test func `failed units are asked again when a resume wants it, once a generation`() {
    let engine = EngineHarness(["ok a", "never b", "refuse c"])
    engine.own()
    #expect(engine.run.state == .partial)
    let before = engine.calls.count
    engine.resume(retryFailed: true)
    engine.own()
    let asked = engine.calls.dropFirst(before).flatMap(ScriptedModel.asked).map(\.id)
    #expect(asked == ["u1", "u1", "u1", "u1"])
    #expect(engine.run.state == .partial && engine.run.generation == 1)
  }

  // MARK: - Hands that change

  @Test func `a new owner asks for the calls of the one before and pays none twice`() {
    let engine = EngineHarness(oks(6), options: RunOptions(width: 2), workload: single)
    engine.holdsCalls = true
    engine.own()
    let sent = Set(engine.calls.map(\.callKey))
    engine.holdsCalls = false
    engine.known = { GetCallResponse(state: sent.contains($0) ? .inFlight : .unknownCall) }
    engine.own()
    #expect(Set(engine.recalls).isSuperset(of: sent))
    #expect(Set(engine.calls.map(\.callKey)).count == 6 && engine.run.state == .completed)
    // What is owed comes first.
    #expect(Set(engine.calls[2..<4].map(\.callKey)) == sent)
  }

  @Test func `a cancelled run whose owner died keeps what was paid`() {
    let engine = EngineHarness(oks(6), options: RunOptions(width: 2), workload: single)
    engine.holdsCalls = true
    engine.own()
    let sent = Set(engine.calls.map(\.callKey))
    engine.holdsCalls = false
    engine.known = { GetCallResponse(state: sent.contains($0) ? .settled : .unknownCall) }
    engine.store.ask(.cancel, at: 1)
    engine.own()
    #expect(engine.run.state == .cancelled && engine.run.totals?.succeeded == 2)
    #expect(Set(engine.calls.map(\.callKey)) == sent)
  }

  @Test func `a lost lease ends all work in every phase`() {
    for step in 0..<60 {
      let engine = EngineHarness(oks(12), options: RunOptions(approvalAboveNanos: 1_000))
      engine.own(steps: step)
      let wasOver = engine.machine.isOver
      #expect(engine.lose() == (wasOver ? [] : [.dropAsks]))
      #expect(engine.lateAnswers().isEmpty)
    }
  }

  @Test func `a commit that the lease refuses ends the work`() {
    let engine = EngineHarness(oks(3))
    engine.storeFault = { action in
      guard case .commit = action else { return nil }
      return Fault(.aborted, reason: "LEASE_LOST", "")
    }
    engine.own()
    #expect(engine.commits.isEmpty && engine.machine.isOver)
  }

  @Test func `a store that is away is asked again under the same commit id`() {
    let engine = EngineHarness(oks(8))
    var ids: [String] = []
    var count = 0
    engine.storeFault = { action in
      if case .commit(_, let commit) = action { ids.append(commit.id) }
      count += 1
      return count % 3 == 0 ? nil : Fault(.unavailable, reason: "UNREACHABLE", "")
    }
    engine.own()
    #expect(engine.run.state == .completed && engine.calls.count == 2)
    #expect(Set(ids).count < ids.count)
  }

  @Test func `a commit id used for other facts makes the machine read anew`() {
    let engine = EngineHarness(oks(8))
    var left = 3
    engine.storeFault = { action in
      guard case .commit = action, engine.run.state == .running, left > 0 else { return nil }
      left -= 1
      return Fault(.alreadyExists, reason: "COMMIT_ID_REUSED", "")
    }
    engine.own()
    #expect(engine.run.state == .completed && engine.run.totals?.succeeded == 8)
  }

  @Test func `a verdict that the store refuses fails its unit, and the run goes on`() {
    let engine = EngineHarness(oks(2), workload: single)
    engine.storeFault = { action in
      guard case .commit(_, let commit) = action, commit.speaksOfVerdict(of: "u0") else {
        return nil
      }
      return Fault(.invalidArgument, reason: "BAD_REQUEST", "Too long.")
    }
    engine.own()
    #expect(engine.run.state == .partial && engine.units.first?.failure?.reason == .internal)
    #expect(engine.run.totals?.costNanos == 12)
  }

  @Test func `a run that is handed back ends what is in flight and stays running`() {
    let engine = EngineHarness(oks(9), options: RunOptions(width: 2), workload: single)
    engine.holdsCalls = true
    engine.own()
    engine.feed(.handBack)
    engine.answerCalls()
    #expect(engine.isReleased && engine.run.state == .running)
    #expect(engine.run.totals?.succeeded == 2 && engine.calls.count == 2)
  }

  /// P4 and I8: an aggregate and all verdicts are the same in whatever order calls are answered.
  @Test func `the order of answers changes nothing`() {
    var random = SeededRandom("order of answers")
    let texts = ["ok 0", "flaky2 1", "never 2", "ok 3", "cut 4", "unsure 5", "refuse 6", "ok 7"]
    var endings: Set<String> = []
    for _ in 0..<40 {
      let engine = EngineHarness(texts, options: RunOptions(width: 3))
      engine.holdsCalls = true
      engine.own()
      while !engine.isReleased { engine.answerCalls { $0.shuffle(using: &random) } }
      let states = engine.units.map { "\($0.state)\($0.verdictId)" }
      endings.insert("\(states) \(String(decoding: engine.run.outcome, as: UTF8.self))")
    }
    #expect(endings.count == 1)
  }

  @Test func `a wake that comes too early is wished for again`() {
    let engine = EngineHarness(oks(1))
    var isFirst = true
    engine.gateway = { _ in
      defer { isFirst = false }
      return isFirst ? .failure(Fault(.unavailable, reason: "PROVIDER_ERROR", "")) : nil
    }
    engine.holdsCalls = true
    engine.own()
    engine.answerCalls(andWork: false)
    engine.feed(.woke)
    engine.holdsCalls = false
    engine.work()
    #expect(engine.run.state == .completed)
  }

  @Test func `a long run takes a small window`() {
    var workload = ScriptedWorkload()
    workload.unitsMax = 5
    let count = unsafe getenv("LONG_RUN_UNITS").flatMap { unsafe Int(String(cString: $0)) } ?? 3_000
    let engine = EngineHarness(oks(count), options: RunOptions(width: 4), workload: workload)
    engine.own()
    #expect(engine.run.state == .completed && engine.calls.count == (count + 4) / 5)
    #expect(engine.unitsHeldMax <= 4 * EngineLimits.familiesPerCall * 5)
  }
}

extension RunCommit {
  func speaksOfVerdict(of unit: String) -> Bool {
    facts.contains { fact in
      guard case .unit(let change) = fact.kind else { return false }
      return change.unitId == unit && change.verdict != nil
    }
  }
}
