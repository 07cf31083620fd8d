import Faults
import GatewayAudit
import GatewayBudgets
import GatewayValues
import LedgerFile
import Locking
import TestSupport
import Testing

@testable import GatewayLedger

@Suite(.timeLimit(.minutes(3))) struct RaceTests {
  /// What the callers of a race have come to.
  private final class Tally: Sendable {
    let refusals = Lock(0)
    let holds = Lock<[AttemptHold]>([])
    let tickets = Lock<[CallTicket]>([])
  }

  /// 64 callers, each with a key that nobody has seen, run into one cap and into their own.
  @Test(arguments: [LedgerDurability.power, .process])
  func `no cap is passed by a race, and nothing that fits is refused`(
    _ durability: LedgerDurability
  ) async throws {
    try await LedgerFixture.with(durability: durability) { fixture in
      try await fixture.budget("all", 1_000_000)
      try await fixture.budget("each", 40_000, scope: BudgetScope(key: .each))
      let tally = Tally()
      try await withThrowingDiscardingTaskGroup { group in
        for index in 0..<64 {
          group.addTask {
            var random = SeededRandom(seed: UInt64(index))
            for _ in 0..<40 {
              let bound = Int64.random(in: 1...4_000, using: &random)
              let admission = try await fixture.ledger.reserve(
                fixture.order(bound, key: "key\(index)"), for: fixture.ticket())
              guard case .held(let hold) = admission else {
                tally.refusals.withLock { $0 += 1 }
                continue
              }
              try fixture.ledger.sent(hold)
              let cost = Int64.random(in: 0...bound, using: &random)
              try await fixture.ledger.settle(hold, LedgerFixture.used(cost))
            }
          }
        }
      }
      #expect(tally.refusals.withLock { $0 } > 0)
      let standing = try await fixture.standing("all")
      #expect(standing?.held == .zero && (standing?.settled.count ?? 0) <= 1_000_000)
      // What is left can be spent to the last nano-dollar.
      let rest = standing?.remaining.count ?? 0
      try await fixture.pay(rest, of: rest, key: "last")
      #expect(await reason { _ = try await fixture.hold(1, key: "last") } == "BUDGET_EXHAUSTED")
      _ = try await fixture.ledger.perform(.barrier)
      let report = try await fixture.audit()
      #expect(report.problems == [] && report.settled == NanoDollars(1_000_000))
    }
  }

  @Test func `64 holds of one size fill a cap exactly`() async throws {
    try await LedgerFixture.with { fixture in
      for round in 0..<20 {
        let name = "cap\(round)"
        try await fixture.budget(
          name, 40_000, scope: BudgetScope(run: .only(LedgerFixture.name(name))))
        let tally = Tally()
        try await withThrowingDiscardingTaskGroup { group in
          for index in 0..<64 {
            group.addTask {
              let admission = try await fixture.ledger.reserve(
                fixture.order(1_000, key: "k\(index)", run: name), for: fixture.ticket())
              if case .held(let hold) = admission { tally.holds.withLock { $0.append(hold) } }
            }
          }
        }
        let held = tally.holds.withLock { $0 }
        #expect(held.count == 40)
        for hold in held { try await fixture.ledger.void(hold) }
      }
      #expect(try await fixture.audit().problems == [])
    }
  }

  @Test func `one of 64 makes a call, and the others are told so`() async throws {
    try await LedgerFixture.with { fixture in
      let tally = Tally()
      try await withThrowingDiscardingTaskGroup { group in
        for _ in 0..<64 {
          group.addTask {
            let opening = try await fixture.ledger.begin(
              LedgerFixture.product, key: CallKey("one"),
              requestHash: [UInt8](repeating: 1, count: 32))
            if case .opened(let ticket) = opening { tally.tickets.withLock { $0.append(ticket) } }
          }
        }
      }
      #expect(tally.tickets.withLock { $0.count } == 1)
    }
  }
}
