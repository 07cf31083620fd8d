import GatewayContract
import RunEngine
import ScoreContract
import TestSupport
import Testing

@Suite struct BatchLadderTests {
  private let ladder = BatchLadder(names: RunNames(runID: "r"), attemptsMax: 4, generation: 0)
  private let reply = GenerateResponse(
    callKey: "c", model: "m", finish: .stop, usage: Usage(costNanos: 5, completeness: .exact))

  private func batch(_ count: Int, tries: Int = 0) -> Batch {
    Batch(
      id: "0", stage: 0,
      units: (0..<count).map {
        BatchUnit(
          id: "u\($0)", ordinal: Int64($0), subject: SubjectRef(), rubricHash: "", key: "k\($0)",
          payload: [], tries: tries)
      })
  }

  private func number(_ number: Double, _ scale: Scale? = nil) -> UnitOutcome {
    .verdict(VerdictDraft(value: Value(kind: .number(number), scale: scale)))
  }

  private let missing = UnitOutcome.unusable(Failure(reason: .missing))
  private let garbled = UnitOutcome.unusable(Failure(reason: .unparsable))
  private let cut = UnitOutcome.unusable(Failure(reason: .truncated))

  @Test func `valid items are kept and the rest is asked again`() {
    let result = ladder.settle(batch(3), reply: reply, outcomes: [number(1), missing, number(3)])
    #expect(result.changes.map(\.state) == [.succeeded, .succeeded, .open])
    #expect(result.children.map(\.id) == ["0.1"])
    #expect(result.children.first?.units.map(\.id) == ["u1"])
    #expect(result.children.first?.units.first?.tries == 1)
    #expect(result.attempt?.state == .settled && result.attempt?.usage?.costNanos == 5)
  }

  @Test func `a unit without a valid value has no value`() {
    let outcomes: [UnitOutcome] = [
      number(.nan), number(.infinity), .verdict(VerdictDraft(value: nil)),
      number(11, Scale(least: 1, most: 10)), .verdict(VerdictDraft(value: Value())),
    ]
    let result = ladder.settle(batch(5), reply: reply, outcomes: outcomes)
    #expect(result.changes.allSatisfy { $0.verdict == nil && $0.state == .open })
  }

  @Test func `a cut reply is halved, a garbled one asked again and then halved`() {
    let all = { (outcome: UnitOutcome) in Array(repeating: outcome, count: 4) }
    let halved = ladder.settle(batch(4), reply: reply, outcomes: all(cut))
    #expect(halved.children.map(\.units.count) == [2, 2])
    let again = ladder.settle(batch(4), reply: reply, outcomes: all(garbled))
    #expect(again.children.map(\.units.count) == [4])
    let then = ladder.settle(batch(4, tries: 1), reply: reply, outcomes: all(garbled))
    #expect(then.children.map(\.id) == ["0.1", "0.2"])
  }

  @Test func `a refusal is bisected until one unit is refused`() {
    var refusal = reply
    refusal.finish = .refusal
    let halves = ladder.settle(batch(3), reply: refusal, outcomes: [])
    #expect(halves.children.map(\.units.count) == [2, 1])
    let single = ladder.settle(batch(1), reply: refusal, outcomes: [])
    #expect(single.changes.first?.state == .unitFailed)
    #expect(single.changes.first?.failure?.reason == .refused)
    #expect(single.changes.first?.failure?.isRetryable == false)
  }

  @Test func `a codec that speaks of other units speaks of none`() {
    let result = ladder.settle(batch(3), reply: reply, outcomes: [number(1), number(2)])
    #expect(result.changes.allSatisfy { $0.verdict == nil })
  }

  @Test func `a lost call is charged and asked again under a new key`() {
    let usage = Usage(costNanos: 30, completeness: .uncertain)
    let result = ladder.lose(batch(2), usage: usage)
    #expect(result.attempt?.state == .attemptLost && result.attempt?.usage == usage)
    #expect(result.children.map(\.id) == ["0.1"])
    let names = RunNames(runID: "r")
    #expect(result.children.map { names.callKey(of: $0) } != [names.callKey(of: batch(2))])
  }

  /// P1: every unit ends once, and calls are bounded whatever the model says.
  @Test func `every unit ends once within its calls, whatever is answered`() {
    var random = SeededRandom("ladder")
    for _ in 0..<300 {
      let count = Int.random(in: 1...16, using: &random)
      var open = [batch(count)]
      var ended: [String: Int] = [:]
      var calls: [String: Int] = [:]
      var ids: Set<String> = []
      while let next = open.popLast() {
        #expect(ids.insert(next.id).inserted)
        for unit in next.units { calls[unit.id, default: 0] += 1 }
        let result = settle(next, &random)
        for change in result.changes where change.state != .open {
          ended[change.unitId, default: 0] += 1
        }
        let asked = result.children.flatMap(\.units).map(\.id)
        #expect(Set(asked).count == asked.count)
        #expect(asked.count == result.changes.count { $0.state == .open })
        open += result.children
      }
      #expect(ended.count == count && ended.values.allSatisfy { $0 == 1 })
      // attempts_max, and one for each halving down from 16.
      #expect(calls.values.allSatisfy { $0 <= 4 + 4 })
    }
  }

  private func settle(_ batch: Batch, _ random: inout SeededRandom) -> Settlement {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return ladder.lose(batch, usage: Usage())
    case 1: return ladder.exhaust(batch, failure: Failure(reason: .transient))
    case 2: return ladder.split(batch, failure: Failure(reason: .overflow), attempt: nil)
    default: break
    }
    var given = reply
    given.finish = Int.random(in: 0..<6, using: &random) == 0 ? .refusal : .stop
    let kinds = [
      number(1), missing, garbled, cut, number(.nan), .failed(Failure(reason: .invalid)),
    ]
    let outcomes = batch.units.map { _ in kinds[Int.random(in: 0..<6, using: &random)] }
    return ladder.settle(batch, reply: given, outcomes: outcomes)
  }
}
