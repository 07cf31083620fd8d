import Faults
import GatewayContract
import RunEngine
import ScoreContract
import TestSupport
import Testing

/// Inputs that make no sense: answers to what was never asked, of the wrong kind, twice, late.
@Suite struct HostileInputTests {
  private static let faults = [
    Fault(.unavailable, reason: "UNREACHABLE", ""), Fault(.internal, reason: "", ""),
    Fault(.invalidArgument, reason: "BAD_REQUEST", ""),
    Fault(.failedPrecondition, reason: "RUN_STATE", ""),
    Fault(.alreadyExists, reason: "COMMIT_ID_REUSED", ""),
    Fault(.resourceExhausted, reason: "ANSWER_TOO_LARGE", ""),
    Fault(.aborted, reason: "CALL_UNCERTAIN", "", facts: ["cost_nanos": "nonsense"]),
    Fault(.resourceExhausted, reason: "BUDGET_EXHAUSTED", ""),
    Fault(.unauthenticated, reason: "BAD_CREDENTIALS", ""),
    Fault(.resourceExhausted, reason: "RATE_LIMITED", "", retryAfter: .seconds(-5)),
  ]

  private func input(_ ask: Int, _ random: inout SeededRandom) -> RunInput {
    let unit = Unit(
      id: "u\(Int.random(in: 0...9, using: &random))",
      ordinal: Int64.random(in: -2...12, using: &random), stage: 7, unitKey: "k", state: .open,
      batch: ["", "=", "0", "3.1", "~@", "x@y"][Int.random(in: 0..<6, using: &random)])
    switch Int.random(in: 0..<11, using: &random) {
    case 0: return .committed(ask: ask, CommitOutcome(lastSeq: -1, isReplay: true))
    case 1: return .unitsRead(ask: ask, [unit], isLast: Bool.random(using: &random))
    case 2: return .runRead(ask: ask, Run(id: "r", state: .running, generation: 9), [])
    case 3: return .lookedUp(ask: ask, [Verdict(id: "v", unitKey: "key ok 1")])
    case 4: return .called(ask: ask, GenerateResponse(text: "u1\t5\nu1\t6\nu99\t1\nu2\tNaN"))
    case 5: return .recalled(ask: ask, GetCallResponse(state: .settled))
    case 6:
      return .refused(
        ask: ask, Self.faults[Int.random(in: 0..<Self.faults.count, using: &random)])
    case 7: return .woke
    case 8: return .requested([.pause, .cancel, .approve][Int.random(in: 0..<3, using: &random)])
    case 9: return .gained(RunOwnership(run: Run(id: "other"), stages: []))
    default: return .unitsRead(ask: ask, [], isLast: true)
    }
  }

  @Test func `no input traps the machine or makes it act beyond its bounds`() {
    var random = SeededRandom("hostile inputs")
    for _ in 0..<400 {
      let options = RunOptions(
        width: 2, budgetCapNanos: Int64.random(in: 0...40, using: &random),
        timeoutMs: Int64.random(in: 0...1, using: &random) * 5_000,
        approvalAboveNanos: Int64.random(in: 0...1, using: &random))
      let engine = EngineHarness((0..<10).map { "ok \($0)" }, options: options)
      engine.own(steps: Int.random(in: 0...30, using: &random))
      for _ in 0..<40 {
        engine.feed(input(Int.random(in: 0...40, using: &random), &random))
        if Int.random(in: 0..<60, using: &random) == 0 { engine.feed(.handBack) }
        engine.work(steps: Int.random(in: 0...3, using: &random))
      }
      #expect(engine.callsAtOnceMax <= 2)
      #expect(engine.store.violations.isEmpty)
      _ = engine.lose()
      #expect(engine.lateAnswers().isEmpty)
    }
  }
}
