import GatewayBudgets
import GatewayLedger
import LedgerFile
import Testing

@Suite struct AttemptStateMachineTests {
  private typealias Move = AttemptStateMachine.Move

  /// Every state with every event: what is not written here is refused.
  private static let moves: [AttemptState: [AttemptStateMachine.Event: Move]] = [
    .reserved: [.send: .to(.sent), .void: .to(.void), .crash: .to(.void)],
    .sent: [
      .send: .already, .settle: .to(.settled), .settleAtBound: .to(.uncertain),
      .void: .to(.void), .crash: .to(.uncertain),
    ],
    .settled: [.settle: .already, .crash: .already],
    .void: [.void: .already, .crash: .already],
    .uncertain: [.settleAtBound: .already, .crash: .already],
  ]

  @Test func `every event in every state does what is written, and nothing else`() {
    for state in AttemptState.allCases {
      for event in AttemptStateMachine.Event.allCases {
        let expected = Self.moves[state]?[event] ?? .refused
        var machine = AttemptStateMachine(state)
        #expect(machine.take(event) == expected, "\(state) \(event)")
        if case .to(let next) = expected {
          #expect(machine.state == next)
        } else {
          #expect(machine.state == state)
        }
      }
    }
  }

  @Test func `every way ends, no end is left, and nothing sent becomes free by a crash`() {
    var seen: Set<[AttemptState]> = []
    func walk(_ machine: AttemptStateMachine, _ way: [AttemptState]) {
      guard seen.insert(way).inserted else { return }
      for event in AttemptStateMachine.Event.allCases {
        var next = machine
        guard case .to(let state) = next.take(event) else { continue }
        #expect(!machine.state.isEnd, "\(way) \(event)")
        if event == .crash, machine.state == .sent { #expect(state == .uncertain) }
        walk(next, way + [state])
      }
    }
    walk(AttemptStateMachine(), [.reserved])
    #expect(seen.filter { $0.last?.isEnd == true }.count == 4)
  }
}
