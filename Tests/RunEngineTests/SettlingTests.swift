import Faults
import GatewayContract
import RunEngine
import ScoreContract
import Testing

/// Answers that come together: what leaves first, and what is kept in one commit.
@Suite struct SettlingTests {
  private func engine(_ count: Int) -> EngineHarness {
    var single = ScriptedWorkload()
    single.unitsMax = 1
    let engine = EngineHarness(
      (0..<count).map { "ok \($0)" }, options: RunOptions(width: 3), workload: single)
    engine.holdsCalls = true
    engine.own()
    return engine
  }

  @Test func `the next calls leave before what was answered is kept, in one commit`() {
    let engine = engine(6)
    #expect(engine.calls.count == 3)
    let before = engine.commits.count
    engine.answerCalls(andWork: false)
    // The wish to settle and three calls.
    engine.work(steps: 4)
    #expect(engine.calls.count == 6 && engine.commits.count == before)
    engine.work(steps: 1)
    #expect(engine.commits.count == before + 1)
    for unit in ["u0", "u1", "u2"] {
      #expect(engine.commits.last?.speaksOfVerdict(of: unit) == true)
    }
    engine.work()
    engine.answerCalls()
    #expect(engine.run.state == .completed && engine.calls.count == 6)
  }

  @Test func `long answers are kept in commits of their own`() {
    let engine = engine(3)
    let text = String(repeating: "x", count: EngineLimits.settledBytesMax)
    engine.gateway = { request in
      var response = GenerateResponse(callKey: request.callKey, model: "m", text: text)
      response.finish = .refusal
      return .success(response)
    }
    let before = engine.commits.count
    engine.answerCalls(andWork: false)
    // The wish to settle, and then what it makes.
    engine.work(steps: 4)
    #expect(engine.commits.count == before + 3)
  }

  @Test func `a verdict that the store refuses takes none with it that came together with it`() {
    let engine = engine(3)
    engine.storeFault = { action in
      guard case .commit(_, let commit) = action, commit.speaksOfVerdict(of: "u1") else {
        return nil
      }
      return Fault(.invalidArgument, reason: "BAD_REQUEST", "Too long.")
    }
    engine.answerCalls()
    #expect(engine.run.state == .partial && engine.calls.count == 3)
    #expect(engine.units.map(\.state) == [.succeeded, .unitFailed, .succeeded])
    #expect(engine.units[1].failure?.reason == .internal)
  }

  @Test func `an answer that was not settled when the run was read anew is not paid again`() {
    let engine = engine(3)
    engine.known = { _ in GetCallResponse(state: .settled) }
    engine.answerCalls(andWork: false)
    engine.own()
    engine.answerCalls()
    #expect(engine.run.state == .completed && engine.run.totals?.succeeded == 3)
    #expect(Set(engine.calls.map(\.callKey)).count == 3 && engine.recalls.count == 3)
  }
}
