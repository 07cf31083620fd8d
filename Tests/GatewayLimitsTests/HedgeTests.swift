import GatewayLimits
import GatewayPacing
import TestSupport
import Testing

/// Two attempts at one call, as values.
@Suite struct HedgeTests {
  private func at(_ seconds: Double) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: Int64(seconds * 1e9))
  }

  private func actions(_ inputs: [HedgeRace.Input]) -> [HedgeRace.Action] {
    var race = HedgeRace()
    return inputs.map { race.take($0) }
  }

  @Test func `a first that answers in time is alone`() {
    #expect(actions([.answered(.first), .due]) == [.take(.first, givingUp: nil), .nothing])
    #expect(actions([.failed(.first), .due]) == [.fail(.first), .nothing])
  }

  @Test func `whichever begins first is believed, and the other given up`() {
    let begun: [HedgeRace.Input] = [.due, .ready]
    #expect(
      actions(begun + [.answered(.second), .answered(.first)])
        == [.look, .send, .take(.second, givingUp: .first), .nothing])
    #expect(
      actions(begun + [.answered(.first), .failed(.second)])
        == [.look, .send, .take(.first, givingUp: .second), .nothing])
  }

  @Test func `what fails is out, and the other goes on`() {
    let begun: [HedgeRace.Input] = [.due, .ready]
    #expect(
      actions(begun + [.failed(.first), .answered(.second)])
        == [.look, .send, .drop(.first), .take(.second, givingUp: nil)])
    #expect(
      actions(begun + [.failed(.second), .failed(.first)])
        == [.look, .send, .drop(.second), .fail(.first)])
  }

  @Test func `what was got ready too late is given back`() {
    #expect(
      actions([.due, .answered(.first), .ready])
        == [.look, .take(.first, givingUp: nil), .giveBack])
    #expect(actions([.due, .failed(.first), .ready]) == [.look, .fail(.first), .giveBack])
    #expect(
      actions([.due, .declined, .due, .answered(.first)])
        == [.look, .nothing, .nothing, .take(.first, givingUp: nil)])
  }

  @Test func `in any order, there is one end, and nobody is sent or given up twice`() {
    var random = SeededRandom("hedge races")
    let inputs: [HedgeRace.Input] =
      [.due, .ready, .declined]
      + HedgeRace.Runner.allCases.flatMap { [.answered($0), .failed($0)] }
    for _ in 0..<5_000 {
      var race = HedgeRace()
      var running: Set<HedgeRace.Runner> = [.first]
      var (ends, looks, sends) = (0, 0, 0)
      for _ in 0..<12 {
        guard let input = inputs.randomElement(using: &random) else { break }
        // Only who is under way has an answer, and a failure only once.
        switch input {
        case .answered(let runner), .failed(let runner):
          guard running.contains(runner) else { continue }
        default: break
        }
        switch race.take(input) {
        case .nothing, .giveBack: break
        case .look: looks += 1
        case .send:
          sends += 1
          running.insert(.second)
        case .take(let runner, let other):
          ends += 1
          #expect(running.contains(runner))
          #expect(other.map { running.contains($0) && $0 != runner } ?? true)
          #expect(other != nil || running == [runner])
          running = []
        case .drop(let runner):
          #expect(running.remove(runner) != nil && running.count == 1)
        case .fail(let runner):
          ends += 1
          #expect(running == [runner])
          running = []
        }
        #expect(race.isOver == (ends == 1))
      }
      #expect(ends <= 1 && looks <= 1 && sends <= looks)
    }
  }

  // MARK: - When, and how many

  @Test func `a share is meant of answers that are known, and of the latest`() {
    var plan = HedgePlan(.init(after: .percent(90), perThousand: 1_000))
    for number in 1..<HedgePlan.answersMin { plan.answered(after: .seconds(number)) }
    #expect(plan.patience == nil)
    plan.answered(after: .seconds(HedgePlan.answersMin))
    #expect(plan.patience == .seconds(19))
    for _ in 0..<HedgePlan.answersMax { plan.answered(after: .seconds(2)) }
    #expect(plan.patience == .seconds(2))
    #expect(HedgePlan(.init(after: .time(.seconds(3)), perThousand: 1)).patience == .seconds(3))
  }

  @Test func `no more are doubled than both budgets allow`() {
    var plan = HedgePlan(.init(after: .time(.seconds(1)), perThousand: 50))
    var retries = RetryBudget(.init(floor: 1_000))
    var sent = 0
    for call in 1...1_000 {
      plan.called()
      if plan.spend(&retries, at: at(0)) { sent += 1 }
      #expect(sent * 20 <= call)
    }
    #expect(sent == 50)
    // One that has nothing left stops both, and takes nothing from the other.
    var none = RetryBudget(.init(floor: 0))
    for _ in 0..<20 { plan.called() }
    let isRefused = !plan.spend(&none, at: at(0))
    #expect(isRefused)
    let isAllowed = plan.spend(&retries, at: at(0))
    #expect(isAllowed)
  }
}
