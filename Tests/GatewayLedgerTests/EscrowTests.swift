import GatewayBudgets
import GatewayValues
import LedgerFile
import TestSupport
import Testing

@testable import GatewayLedger

/// The arithmetic of drawing, against a model that knows only caps and sums.
@Suite struct EscrowTests {
  private func account(_ id: Int64, cap: Int64) -> EscrowAccount {
    EscrowAccount(
      id: id,
      key: AccountKey(
        budget: LedgerFixture.name("b\(id)"), subject: "", window: .always),
      cap: cap, settled: 0, uncertain: 0, ceiling: 0)
  }

  private struct Model {
    var caps: [Int64: Int64] = [:]
    var used: [Int64: Int64] = [:]
    /// What the disk knows.
    var ceilings: [Int64: Int64] = [:]
  }

  @Test(arguments: 0..<40)
  func `no draw passes a cap or a ceiling, and none that fits is refused`(_ round: Int) {
    var random = SeededRandom("escrow \(round)")
    var escrow = Escrow()
    var model = Model()
    var onDisk: [Escrow.Raise] = []
    var holds: [(amount: Int64, ids: [Int64])] = []
    var waiting: [(amount: Int64, ids: [Int64])] = []
    for id in Int64(1)...4 {
      let cap = Int64.random(in: 0...1_000_000_000, using: &random)
      escrow.open(account(id, cap: cap))
      model.caps[id] = cap
    }
    for _ in 0..<2_000 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<5:
        let ids = (Int64(1)...4).filter { _ in Bool.random(using: &random) }
        let amount = Int64.random(in: 0...200_000_000, using: &random)
        let fits = ids.allSatisfy { amount <= (model.caps[$0] ?? 0) - (model.used[$0] ?? 0) }
        switch escrow.draw(amount, from: ids, at: 0) {
        case .drawn:
          #expect(fits)
          for id in ids { model.used[id, default: 0] += amount }
          holds.append((amount, ids))
        case .refused(let id):
          #expect(amount > (model.caps[id] ?? 0) - (model.used[id] ?? 0))
        case .wait:
          #expect(fits)
          escrow.waits(for: amount, in: ids)
          waiting.append((amount, ids))
        }
      case 5, 6:
        // The disk takes what was asked, and those who waited try again.
        onDisk += escrow.takeRaises()
        for raise in onDisk {
          model.ceilings[raise.id] = max(model.ceilings[raise.id] ?? 0, raise.ceiling)
          escrow.raised(raise)
        }
        onDisk = []
        for wait in waiting { escrow.waitsNoMore(for: wait.amount, in: wait.ids) }
        waiting = []
      default:
        guard let hold = holds.popLast() else { continue }
        let cost = Int64.random(in: 0...hold.amount, using: &random)
        escrow.end(
          hold: hold.amount, cost: cost, isUncertain: cost == hold.amount, in: hold.ids)
        escrow.committed(excess: 0, in: hold.ids)
        for id in hold.ids { model.used[id, default: 0] += cost - hold.amount }
      }
      for (id, account) in escrow.accounts {
        #expect(account.used == model.used[id] ?? 0)
        #expect(account.used <= account.cap)
        #expect(account.used <= model.ceilings[id] ?? 0)
        #expect(account.ceiling <= model.ceilings[id] ?? 0)
      }
    }
  }

  @Test func `whoever waits is served by the next raise, to the last nano-dollar`() {
    var escrow = Escrow()
    escrow.open(account(1, cap: 1_000))
    #expect(escrow.draw(1_000, from: [1], at: 0) == .wait)
    escrow.waits(for: 1_000, in: [1])
    for raise in escrow.takeRaises() { escrow.raised(raise) }
    escrow.waitsNoMore(for: 1_000, in: [1])
    #expect(escrow.draw(1_000, from: [1], at: 0) == .drawn)
    #expect(escrow.draw(1, from: [1], at: 0) == .refused(1))
  }

  @Test func `a chunk grows while calls wait for it and is a part of what is left near the cap`() {
    var escrow = Escrow()
    escrow.open(account(1, cap: 100_000_000_000))
    var chunks: [Int64] = []
    for _ in 0..<12 {
      let free = (escrow.accounts[1]?.ceiling ?? 0) - (escrow.accounts[1]?.used ?? 0)
      #expect(escrow.draw(free + 1, from: [1], at: 0) == .wait)
      escrow.waits(for: free + 1, in: [1])
      for raise in escrow.takeRaises() { escrow.raised(raise) }
      escrow.waitsNoMore(for: free + 1, in: [1])
      _ = escrow.draw(free + 1, from: [1], at: 0)
      chunks.append(escrow.accounts[1]?.chunk ?? 0)
    }
    #expect(chunks.first == 2 * BudgetLimits.chunkMin && chunks.last == BudgetLimits.chunkMax)
    let account = escrow.accounts[1]
    #expect((account?.ceiling ?? 0) < (account?.cap ?? 0))
  }

  @Test func `what was not drawn goes back when an account is closed`() {
    var escrow = Escrow()
    escrow.open(account(1, cap: 1_000_000_000))
    escrow.waits(for: 10, in: [1])
    for raise in escrow.takeRaises() { escrow.raised(raise) }
    escrow.waitsNoMore(for: 10, in: [1])
    #expect(escrow.draw(10, from: [1], at: 0) == .drawn)
    _ = escrow.takeRaises().map { escrow.raised($0) }
    #expect(escrow.close(1) == nil)
    escrow.end(hold: 10, cost: 7, isUncertain: false, in: [1])
    #expect(escrow.close(1) == nil)
    escrow.committed(excess: 0, in: [1])
    #expect(escrow.close(1) == Escrow.Raise(id: 1, ceiling: 7))
  }
}
