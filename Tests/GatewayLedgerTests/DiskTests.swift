import EventLoop
import Faults
import GatewayAudit
import GatewayBudgets
import GatewayValues
import LedgerFile
import Machine
import SQLite
import TestSupport
import Testing

@testable import GatewayLedger

@Suite(.timeLimit(.minutes(2))) struct DiskTests {
  @Test func `a full disk closes admission, keeps what was spent, and opens again by itself`()
    async throws
  {
    try await ScratchFolder.with { scratch in
      try await LedgerFixture.onLoop { loop in
        let fixture = try await LedgerFixture.open(
          scratch.path, on: loop, pagesMax: 120)
        try await fixture.budget("all", 1_000_000_000)
        var spent: Int64 = 0
        var failure: Fault?
        while failure == nil {
          let hold = try await fixture.hold(1_000)
          try fixture.ledger.sent(hold)
          var settlement = LedgerFixture.used(7)
          settlement.endsCall = true
          // Too long for the journal of settlements.
          settlement.reply = [UInt8](repeating: 1, count: 40_000)
          spent += 7
          do {
            try await fixture.ledger.settle(hold, settlement)
          } catch {
            failure = Fault(describing: error)
          }
        }
        #expect(failure?.reason == "LEDGER_FULL" && failure?.retryAfter != nil)
        #expect(failure?.code == .unavailable)
        #expect(await reason { _ = try await fixture.hold(1) } == "LEDGER_FULL")
        #expect(try await fixture.standing("all")?.settled == NanoDollars(spent))
        // The writer's own connection holds the limit.
        try await widen(fixture)
        try await eventually(fixture) { try await fixture.hold(1) }
        _ = try await fixture.ledger.perform(.barrier)
        #expect(try await fixture.audit().problems == [])
        #expect(try await fixture.audit().settled == NanoDollars(spent))
        await fixture.ledger.close()
      }
    }
  }

  @Test func `what the journal of settlements has taken is settled on a full disk too`()
    async throws
  {
    try await ScratchFolder.with { scratch in
      try await LedgerFixture.onLoop { loop in
        let fixture = try await LedgerFixture.open(scratch.path, on: loop, pagesMax: 120)
        try await fixture.budget("all", 1_000_000_000)
        var holds: [AttemptHold] = []
        for _ in 0..<300 {
          let hold = try await fixture.hold(1_000)
          try fixture.ledger.sent(hold)
          holds.append(hold)
        }
        // Until it is full as well, for none of these lines can be committed.
        var answered = 0
        for hold in holds {
          var settlement = LedgerFixture.used(7)
          settlement.endsCall = true
          settlement.reply = [UInt8](repeating: 1, count: 20_000)
          let refusal = await reason { try await fixture.ledger.settle(hold, settlement) }
          #expect(refusal == nil || refusal == "LEDGER_FULL")
          if refusal == nil { answered += 1 }
        }
        #expect(answered > 50 && answered < 300)
        #expect(await reason { _ = try await fixture.ledger.perform(.barrier) } == "LEDGER_FULL")
        #expect(await reason { _ = try await fixture.hold(1) } == "LEDGER_FULL")
        #expect(try await fixture.standing("all")?.settled == NanoDollars(2_100))
        try await widen(fixture)
        try await eventually(fixture) { try await fixture.hold(1) }
        #expect(try await fixture.audit().problems == [])
        #expect(try await fixture.audit().settled == NanoDollars(2_100))
        await fixture.ledger.close()
      }
    }
  }

  /// Drops the limit that stands in for a disk's size.
  private func widen(_ fixture: LedgerFixture) async throws {
    try await fixture.ledger.onWriter { try $0.connection.setPagesMax(100_000) }
  }

  /// Until it does not throw any more; the clock goes on with each try.
  private func eventually(
    _ fixture: LedgerFixture, _ body: () async throws -> AttemptHold
  ) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < deadline {
      if let hold = try? await body() {
        try await fixture.ledger.void(hold)
        return
      }
      fixture.clock.advance(LedgerLimits.fullPauseMilliseconds)
      try await fixture.loop.sleep(for: .milliseconds(5))
    }
    Issue.record("the ledger did not open again")
  }

  @Test func `a folder has one ledger`() async throws {
    try await LedgerFixture.with { fixture in
      #expect(
        await reason {
          _ = try await LedgerFixture.open(fixture.folder, on: fixture.loop)
        } == "LEDGER_IN_USE")
    }
  }

  @Test func `a file of a newer program, of another or of nobody is refused untouched`()
    async throws
  {
    let wrong: [(String, (String) throws -> Void)] = [
      ("LEDGER_NEWER", { try Self.mark($0, id: LedgerSchema.applicationID, version: 99) }),
      ("LEDGER_FOREIGN", { try Self.mark($0, id: 7, version: 1) }),
      (
        "LEDGER_DAMAGED",
        {
          let file = try OpenFile($0, for: .replace)
          try file.write([UInt8](repeating: 7, count: 8_192))
        }
      ),
    ]
    for (expected, make) in wrong {
      try await ScratchFolder.with { scratch in
        try await LedgerFixture.onLoop { loop in
          let path = scratch.file("ledger.db")
          try make(path)
          let before = try Files.read(path)
          var found: Fault?
          do {
            _ = try await LedgerFixture.open(scratch.path, on: loop)
          } catch {
            found = Fault(describing: error)
          }
          #expect(found?.reason == expected && found?.hint != nil)
          #expect(try Files.read(path) == before)
        }
      }
    }
  }

  private static func mark(_ path: String, id: Int32, version: Int32) throws {
    let connection = try Connection(path, ConnectionOptions())
    try connection.execute("CREATE TABLE something (a)")
    try connection.setApplicationID(id)
    try connection.setUserVersion(version)
    try connection.checkpoint(.truncate)
  }

  @Test func `the file itself refuses to change what was written`() async throws {
    try await LedgerFixture.with { fixture in
      try await fixture.pay(5, of: 10)
      let path = fixture.folder
      try await fixture.ledger.onWriter { writer in
        for table in LedgerSchema.appended {
          for verb in ["DELETE FROM \(table)", "UPDATE \(table) SET number = number"] {
            let rows = try writer.connection.number("SELECT count(*) FROM \(table)")
            guard rows > 0 else { continue }
            #expect(throws: SQLiteError.self, "\(path)") { try writer.connection.execute(verb) }
          }
        }
      }
    }
  }

  @Test func `old replies are dropped and their lines stay`() async throws {
    try await LedgerFixture.with { fixture in
      do {
        let ticket = try await fixture.ticket("call")
        guard
          case .held(let hold) = try await fixture.ledger.reserve(
            fixture.order(10), for: ticket)
        else { return }
        try fixture.ledger.sent(hold)
        var settlement = LedgerFixture.used(5)
        settlement.endsCall = true
        settlement.reply = [1]
        try await fixture.ledger.settle(hold, settlement)
      }
      let name = CallName(product: LedgerFixture.product, key: try #require(CallKey("call")))
      #expect(try await fixture.ledger.call(name)?.reply == [1])
      fixture.clock.advance(LedgerLimits.replyAgeMaxMilliseconds + 1)
      let now = fixture.clock.now
      try await fixture.ledger.onWriter { $0.dropReplies(at: now) }
      let call = try await fixture.ledger.call(name)
      #expect(call?.reply == nil && call?.line.cost == NanoDollars(5))
    }
  }
}
