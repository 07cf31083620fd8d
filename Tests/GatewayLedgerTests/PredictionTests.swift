import GatewayAudit
import GatewayBudgets
import GatewayValues
import LedgerFile
import SQLite
import TestSupport
import Testing

@testable import GatewayLedger

/// What was expected of prompt caches, kept beside the lines that say what came.
@Suite(.timeLimit(.minutes(1))) struct PredictionTests {
  private func ask(
    _ fixture: LedgerFixture, predicted: Int64, read: Int64, run: String? = nil
  ) async throws {
    var order = fixture.order(1_000, run: run)
    order.cacheReadPredicted = predicted
    guard case .held(let hold) = try await fixture.ledger.reserve(order, for: fixture.ticket())
    else { return }
    try fixture.ledger.sent(hold)
    let usage = TokenUsage(freshInput: 10, cacheRead: read, cacheWriteShort: 5, output: 3)
    _ = try await fixture.ledger.settle(hold, Settlement(.used(usage), .answered))
  }

  /// Without the gateway's file: a write costs two, a read a tenth of what input does.
  private func setPrice(_ fixture: LedgerFixture) async throws {
    let price = ModelPrice(
      input: NanoDollars(10_000_000), output: NanoDollars(10_000_000),
      cacheRead: NanoDollars(1_000_000), cacheWriteShort: NanoDollars(20_000_000))
    try await fixture.ledger.set(
      price: price, of: LedgerFixture.model, version: LedgerFixture.name("v2"))
  }

  @Test func `a report adds up what came, what was expected and what it saved`() async throws {
    try await LedgerFixture.with { fixture in
      try await setPrice(fixture)
      try await ask(fixture, predicted: 0, read: 0, run: "a")
      try await ask(fixture, predicted: 70, read: 60, run: "a")
      try await ask(fixture, predicted: 40, read: 100, run: "b")
      var filter = AttemptFilter()
      filter.run = LedgerFixture.name("a")
      let found = try await fixture.ledger.caching(filter)
      let row = try #require(found.first)
      #expect(found.count == 1 && row.model == "model" && row.calls == 2 && row.attempts == 2)
      #expect(row.readPredicted == 70 && row.usage.cacheRead == 60)
      #expect(row.usage.cacheWriteShort == 10 && row.usage.freshInput == 20)
      // 20 fresh and 6 out at ten, 10 written at twenty, 60 read at one.
      #expect(row.settled.count == 260 + 200 + 60)
      #expect(row.uncached.count == (20 + 6 + 10 + 60) * 10)
      let all = try await fixture.ledger.caching(AttemptFilter())
      #expect(all.first?.readPredicted == 110 && all.first?.calls == 3)
      #expect(try await fixture.audit().problems == [])
    }
  }

  @Test func `what was expected survives a crash that left it in the journal alone`() async throws {
    try await ScratchFolder.with { scratch in
      try await LedgerFixture.onLoop { loop in
        let first = try await LedgerFixture.open(
          scratch.file("first"), on: loop, durability: .process)
        try await ask(first, predicted: 70, read: 60)
        let copy = scratch.file("copy")
        try first.copy(to: copy)
        await first.ledger.close()
        let second = try await LedgerFixture.open(copy, on: loop, clock: first.clock)
        let found = try await second.ledger.caching(AttemptFilter())
        #expect(found.map(\.readPredicted) == [70] && found.map(\.usage.cacheRead) == [60])
        await second.ledger.close()
        #expect(try await second.audit().problems == [])
      }
    }
  }

  @Test func `a file of before is brought up to date with all its lines`() async throws {
    try await ScratchFolder.with { scratch in
      try await LedgerFixture.onLoop { loop in
        let folder = scratch.file("ledger")
        let old = try await LedgerFixture.open(folder, on: loop)
        try await ask(old, predicted: 0, read: 30)
        await old.ledger.close()
        // As the version before left it.
        let connection = try Connection("\(folder)/ledger.db", ConnectionOptions(.readWrite))
        try connection.execute("DROP TABLE predictions")
        try connection.setUserVersion(3)
        #expect(try await old.audit().problems == [])
        let new = try await LedgerFixture.open(folder, on: loop, clock: old.clock)
        try await ask(new, predicted: 20, read: 20)
        let found = try await new.ledger.caching(AttemptFilter())
        #expect(found.first?.usage.cacheRead == 50 && found.first?.readPredicted == 20)
        await new.ledger.close()
        #expect(try connection.userVersion == LedgerSchema.latest)
        #expect(try await new.audit().problems == [])
        // It is only added to, as everything here.
        #expect(throws: (any Error).self) {
          try connection.execute("UPDATE predictions SET cache_read = 1")
        }
      }
    }
  }
}
