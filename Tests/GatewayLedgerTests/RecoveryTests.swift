import EventLoop
import Faults
import GatewayAudit
import GatewayBudgets
import GatewayValues
import LedgerFile
import Locking
import Machine
import TestSupport
import Testing

@testable import GatewayLedger

/// Random lives of a ledger, with ends of the process and of the power, against a model that adds.
@Suite(.timeLimit(.minutes(3))) struct RecoveryTests {
  /// What a ledger must say, by sums alone.
  private struct Model {
    var caps: [String: Int64] = [:]
    /// Of the caps that all together ever had: what was held under it stays when it is lowered.
    var highest: Int64 = 0
    var settled: [String: Int64] = [:]
    var uncertain: [String: Int64] = [:]
    var held: [String: Int64] = [:]

    /// The accounts that a key draws from.
    func accounts(of key: String) -> [String] { ["all", "each \(key)"] }
    func used(_ account: String) -> Int64 {
      (settled[account] ?? 0) + (uncertain[account] ?? 0) + (held[account] ?? 0)
    }
    func fits(_ amount: Int64, _ key: String) -> Bool {
      accounts(of: key).allSatisfy { amount <= (caps[$0] ?? 0) - used($0) }
    }
  }

  private struct Open {
    let hold: AttemptHold
    let bound: Int64
    let key: String
    var isSent = false
  }

  private static let keys = ["a", "b", "c"]

  @Test(arguments: 0..<12)
  func `random lives end with every sum in its place`(_ round: Int) async throws {
    var random = SeededRandom("ledger life \(round)")
    try await ScratchFolder.with { scratch in
      try await LedgerFixture.onLoop { loop in
        var folder = scratch.file("life")
        var folders = [folder]
        var fixture = try await LedgerFixture.open(
          folder, on: loop, durability: round % 2 == 0 ? .power : .process)
        var model = try await start(fixture, &random)
        for life in 0..<5 {
          var open: [Open] = []
          for _ in 0..<60 { try await step(fixture, &model, &open, &random) }
          let isPowerCut = Bool.random(using: &random)
          folder = scratch.file("life\(life)")
          folders.append(folder)
          try await cut(fixture, to: folder)
          if isPowerCut { try PowerCut.tear(folder, &random) }
          try await end(fixture, open)
          let boot = isPowerCut ? "boot \(life)" : fixture.ledger.options.boot
          fixture = try await LedgerFixture.open(
            folder, on: loop, durability: fixture.ledger.options.durability,
            clock: fixture.clock, boot: boot)
          try await check(fixture, &model, open, isPowerCut: isPowerCut)
        }
        await fixture.ledger.close()
        #expect(try await fixture.audit().problems == [])
        for folder in folders { try Files.removeTree(folder) }
      }
    }
  }

  private func start(
    _ fixture: LedgerFixture, _ random: inout SeededRandom
  ) async throws -> Model {
    var model = Model()
    let (all, each) = (Int64.random(in: 20_000...90_000, using: &random), Int64(30_000))
    try await fixture.budget("all", all)
    try await fixture.budget("each", each, scope: BudgetScope(key: .each))
    model.caps["all"] = all
    model.highest = all
    for key in Self.keys { model.caps["each \(key)"] = each }
    return model
  }

  private func step(
    _ fixture: LedgerFixture, _ model: inout Model, _ open: inout [Open],
    _ random: inout SeededRandom
  ) async throws {
    switch Int.random(in: 0..<13, using: &random) {
    case 0..<5:
      let key = Self.keys.randomElement(using: &random) ?? "a"
      let bound = Int64.random(in: 0...3_000, using: &random)
      switch try await fixture.ledger.reserve(
        fixture.order(bound, key: key), for: fixture.ticket())
      {
      case .held(let hold):
        #expect(model.fits(bound, key))
        for account in model.accounts(of: key) { model.held[account, default: 0] += bound }
        open.append(Open(hold: hold, bound: bound, key: key))
      case .refused: #expect(!model.fits(bound, key))
      }
    case 5..<8:
      guard let index = open.indices.randomElement(using: &random) else { return }
      try fixture.ledger.sent(open[index].hold)
      open[index].isSent = true
    case 8:
      fixture.clock.advance(40_000)
      fixture.ledger.tick()
    case 9:
      // Also below what is spent and held: then nothing more fits.
      let cap = Int64.random(in: 0...90_000, using: &random)
      try await fixture.budget("all", cap)
      model.caps["all"] = cap
      model.highest = max(model.highest, cap)
    default:
      guard let index = open.indices.randomElement(using: &random) else { return }
      let one = open.remove(at: index)
      for account in model.accounts(of: one.key) { model.held[account, default: 0] -= one.bound }
      guard one.isSent, Int.random(in: 0..<5, using: &random) > 0 else {
        try await fixture.ledger.void(one.hold)
        return
      }
      let cost = Int64.random(in: 0...one.bound, using: &random)
      let isUncertain = Int.random(in: 0..<4, using: &random) == 0
      try await fixture.ledger.settle(
        one.hold, isUncertain ? Settlement(.bound, .aborted) : LedgerFixture.used(cost))
      for account in model.accounts(of: one.key) {
        if isUncertain {
          model.uncertain[account, default: 0] += one.bound
        } else {
          model.settled[account, default: 0] += cost
        }
      }
    }
    try await compare(fixture, model)
  }

  private func compare(_ fixture: LedgerFixture, _ model: Model) async throws {
    for (account, cap) in model.caps {
      let words = account.split(separator: " ").map(String.init)
      let standing = try await fixture.standing(
        words[0], subject: words.count > 1 ? words[1] : "")
      let used = model.used(account)
      #expect(used <= max(cap, account == "all" ? model.highest : 0))
      guard let standing else {
        #expect(used == 0)
        continue
      }
      #expect(standing.settled.count == model.settled[account] ?? 0, "\(account) settled")
      #expect(standing.uncertain.count == model.uncertain[account] ?? 0, "\(account) uncertain")
      #expect(standing.held.count == model.held[account] ?? 0, "\(account) held")
    }
  }

  /// Nothing is on its way to the disk.
  private func settleDown(_ fixture: LedgerFixture) async throws {
    for _ in 0..<3 { _ = try await fixture.ledger.perform(.barrier) }
  }

  /// The folder between two of the writer's groups. What was answered need not be committed, but
  /// where only the commit makes it last.
  private func cut(_ fixture: LedgerFixture, to folder: String) async throws {
    if fixture.ledger.settlements == nil { try await settleDown(fixture) }
    try await fixture.ledger.onWriter { _ in try fixture.copy(to: folder) }
  }

  private func end(_ fixture: LedgerFixture, _ open: [Open]) async throws {
    for one in open { try await fixture.ledger.void(one.hold) }
    await fixture.ledger.close()
  }

  /// What was sent is uncertain, what was not is free, and after a power cut more may be uncertain
  /// but never less, and never more than the cap.
  private func check(
    _ fixture: LedgerFixture, _ model: inout Model, _ open: [Open], isPowerCut: Bool
  ) async throws {
    model.held = [:]
    for one in open where one.isSent {
      for account in model.accounts(of: one.key) {
        model.uncertain[account, default: 0] += one.bound
      }
    }
    #expect(try await fixture.audit().problems == [])
    guard isPowerCut else { return try await compare(fixture, model) }
    for (account, cap) in model.caps {
      let words = account.split(separator: " ").map(String.init)
      guard
        let standing = try await fixture.standing(
          words[0], subject: words.count > 1 ? words[1] : "")
      else { continue }
      let used = standing.settled.count + standing.uncertain.count
      #expect(used >= model.used(account), "\(account) lost money")
      #expect(used <= max(cap, account == "all" ? model.highest : 0), "\(account) passed its cap")
      // Every answer says what it cost, to the nano-dollar.
      #expect(standing.settled.count == model.settled[account] ?? 0, "\(account) settled")
      model.settled[account] = standing.settled.count
      model.uncertain[account] = standing.uncertain.count
    }
  }

  @Test func `a clean end hands every chunk back and leaves nothing uncertain`() async throws {
    try await ScratchFolder.with { scratch in
      let folder = scratch.file("clean")
      try await LedgerFixture.onLoop { loop in
        let first = try await LedgerFixture.open(folder, on: loop)
        try await first.budget("all", 1_000_000)
        try await first.pay(100, of: 200)
        await first.ledger.close()
        // Another start of the machine, and no journal that could be believed.
        let second = try await LedgerFixture.open(folder, on: loop, boot: "other")
        let standing = try await second.standing("all")
        #expect(standing?.settled == NanoDollars(100) && standing?.uncertain == .zero)
        #expect(second.ledger.state.withLock { $0.recovered.isWhole })
        await second.ledger.close()
        try Files.removeTree(folder)
      }
    }
  }

  @Test func `a settled call is settled for the next process too, and so is its request`()
    async throws
  {
    try await ScratchFolder.with { scratch in
      let folder = scratch.file("calls")
      try await LedgerFixture.onLoop { loop in
        for life in 0..<3 {
          let fixture = try await LedgerFixture.open(folder, on: loop)
          let opening = try await fixture.ledger.begin(
            LedgerFixture.product, key: CallKey("key"),
            requestHash: [UInt8](repeating: 1, count: 32))
          switch opening {
          case .opened(let ticket):
            #expect(life == 0)
            guard
              case .held(let hold) = try await fixture.ledger.reserve(
                fixture.order(10), for: ticket)
            else { return }
            try fixture.ledger.sent(hold)
            var settlement = LedgerFixture.used(5)
            settlement.endsCall = true
            settlement.reply = [4, 2]
            try await fixture.ledger.settle(hold, settlement)
          case .settled(let call): #expect(life > 0 && call.reply == [4, 2])
          case .inFlight: Issue.record("nobody makes it")
          }
          let reused = await reason { _ = try await fixture.ticket("key", hash: 2) }
          #expect(reused == "CALL_KEY_REUSED")
          await fixture.ledger.close()
        }
        try Files.removeTree(folder)
      }
    }
  }

  @Test func `after a power cut the open chunk is uncertain and listed`() async throws {
    try await ScratchFolder.with { scratch in
      let (folder, copy) = (scratch.file("before"), scratch.file("after"))
      try await LedgerFixture.onLoop { loop in
        let first = try await LedgerFixture.open(folder, on: loop)
        try await first.budget("all", 1_000_000_000)
        try await first.pay(100, of: 200)
        try await settleDown(first)
        let ceiling = first.ledger.state.withLock { $0.escrow.accounts.values.first?.ceiling }
        try first.copy(to: copy)
        await first.ledger.close()
        for number in JournalFile.numbers(in: copy) { JournalFile.remove(copy, number) }
        let second = try await LedgerFixture.open(copy, on: loop, boot: "other")
        let standing = try await second.standing("all")
        #expect(standing?.settled == NanoDollars(100))
        #expect(standing?.uncertain.count == (ceiling ?? 0) - 100)
        var filter = LineFilter()
        filter.isUncertainOnly = true
        let lines = try await second.ledger.lines(filter)
        #expect(lines.map(\.kind) == [.gap] && lines.first?.cost == standing?.uncertain)
        // An operator finds that nothing of it was spent.
        _ = try await second.ledger.resolve(
          line: lines[0].number, cost: .zero, evidence: "the provider's console")
        #expect(try await second.standing("all")?.uncertain == .zero)
        #expect(try await second.audit().problems == [])
        await second.ledger.close()
        for folder in [folder, copy] { try Files.removeTree(folder) }
      }
    }
  }

  /// One call of its own key, answered with so many bytes.
  private func answer(_ fixture: LedgerFixture, _ key: String, replyBytes: Int) async throws {
    let admission = try await fixture.ledger.reserve(
      fixture.order(1_000), for: fixture.ticket(key))
    guard case .held(let hold) = admission else { return }
    try fixture.ledger.sent(hold)
    var settlement = LedgerFixture.used(7)
    settlement.endsCall = true
    settlement.reply = [UInt8](repeating: 7, count: replyBytes)
    try await fixture.ledger.settle(hold, settlement)
  }

  private func reply(_ fixture: LedgerFixture, _ key: String) async throws -> [UInt8]? {
    let key = try #require(CallKey(key))
    return try await fixture.ledger.call(CallName(product: LedgerFixture.product, key: key))?.reply
  }

  @Test func `a reply that was answered is there after a power cut, short or long`() async throws {
    try await ScratchFolder.with { scratch in
      let (folder, copy) = (scratch.file("before"), scratch.file("after"))
      let sizes = [1, 5_000, LedgerLimits.replyInSettlementsBytesMax, 40_000, 1 << 20]
      try await LedgerFixture.onLoop { loop in
        let first = try await LedgerFixture.open(folder, on: loop)
        try await first.budget("all", 1_000_000)
        for size in sizes + [3] { try await answer(first, "key\(size)", replyBytes: size) }
        try await cut(first, to: copy)
        for number in JournalFile.numbers(in: copy) { JournalFile.remove(copy, number) }
        let second = try await LedgerFixture.open(copy, on: loop, boot: "other")
        for size in sizes + [3] {
          #expect(try await reply(second, "key\(size)") == [UInt8](repeating: 7, count: size))
        }
        #expect(try await second.standing("all")?.settled == NanoDollars(42))
        let found = second.ledger.state.withLock { $0.recovered }
        #expect(found.kept > 0 && !found.isWhole)
        #expect(try await second.audit().problems == [])
        for fixture in [first, second] { await fixture.ledger.close() }
        for folder in [folder, copy] { try Files.removeTree(folder) }
      }
    }
  }

  @Test func `what another life has left in the journal of settlements says nothing`()
    async throws
  {
    try await ScratchFolder.with { scratch in
      let folders = ["first", "backup", "later"].map { scratch.file($0) }
      try await LedgerFixture.onLoop { loop in
        let first = try await LedgerFixture.open(folders[0], on: loop)
        try await answer(first, "one", replyBytes: 1)
        try await settleDown(first)
        try await cut(first, to: folders[1])
        // The ledger goes on elsewhere, and its journal comes back to the backup.
        try await cut(first, to: folders[2])
        let later = try await LedgerFixture.open(folders[2], on: loop, boot: "later")
        try await answer(later, "two", replyBytes: 1)
        let journal = try Files.read(SettlementGroup.path(folders[2]))
        try OpenFile(SettlementGroup.path(folders[1]), for: .replace).write(journal)
        let back = try await LedgerFixture.open(folders[1], on: loop, boot: "back")
        #expect(try await reply(back, "one") == [7])
        #expect(try await reply(back, "two") == nil)
        #expect(back.ledger.state.withLock { $0.recovered.kept } == 0)
        for fixture in [first, later, back] { await fixture.ledger.close() }
        for folder in folders { try Files.removeTree(folder) }
      }
    }
  }

  @Test func `what is sent survives the process, whichever journal it was written to`()
    async throws
  {
    try await ScratchFolder.with { scratch in
      let (folder, copy) = (scratch.file("before"), scratch.file("after"))
      try await LedgerFixture.onLoop { loop in
        let first = try await LedgerFixture.open(folder, on: loop)
        try await first.budget("all", 1_000_000_000)
        let long = String(repeating: "k", count: 120)
        var open: [AttemptHold] = []
        // Until a send, and no end, has begun the next journal.
        while first.ledger.state.withLock({ $0.journal.number }) == 1 {
          let ticket = try await first.ticket("\(long)-\(open.count)")
          let order = first.order(10, key: long, run: long)
          guard case .held(let hold) = try await first.ledger.reserve(order, for: ticket) else {
            Issue.record("it was not held")
            break
          }
          try first.ledger.sent(hold)
          open.append(hold)
        }
        try first.copy(to: copy)
        let second = try await LedgerFixture.open(copy, on: loop)
        let found = second.ledger.state.withLock { $0.recovered }
        #expect(found.isWhole && found.uncertain == open.count)
        #expect(try await second.standing("all")?.uncertain == NanoDollars(Int64(open.count * 10)))
        #expect(try await second.audit().problems == [])
        await second.ledger.close()
        for hold in open { try await first.ledger.void(hold) }
        await first.ledger.close()
        for folder in [folder, copy] { try Files.removeTree(folder) }
      }
    }
  }
}
