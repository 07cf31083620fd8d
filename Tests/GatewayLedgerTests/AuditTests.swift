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

@Suite(.timeLimit(.minutes(2))) struct AuditTests {
  /// A closed ledger with lines of every kind; nothing of it lies in a log.
  private func withLedger(_ body: (String) async throws -> Void) async throws {
    try await ScratchFolder.with { scratch in
      try await LedgerFixture.onLoop { loop in
        let fixture = try await LedgerFixture.open(scratch.path, on: loop)
        try await fixture.budget("all", 1_000_000)
        try await fixture.budget(
          "each", 500_000, scope: BudgetScope(key: .each), period: .month, zone: "Europe/Berlin")
        for index in 0..<20 {
          try await fixture.pay(Int64(index), of: 100, key: "key\(index % 3)")
        }
        let hold = try await fixture.hold(300)
        try fixture.ledger.sent(hold)
        try await fixture.ledger.settle(hold, Settlement(.bound, .aborted))
        let line = try await fixture.line(of: hold)
        _ = try await fixture.ledger.resolve(
          line: line.number, cost: NanoDollars(20), evidence: "seen")
        await fixture.ledger.close()
      }
      try await body(scratch.path)
    }
  }

  private func kinds(_ folder: String) throws -> Set<AuditReport.Problem.Kind> {
    Set(try LedgerAudit.run(folder: folder).problems.map(\.kind))
  }

  /// Changes the file behind the ledger's back.
  private func tamper(_ folder: String, _ sql: String) throws {
    let connection = try Connection("\(folder)/ledger.db", ConnectionOptions())
    for table in LedgerSchema.appended {
      for verb in ["update", "delete"] {
        try connection.execute("DROP TRIGGER IF EXISTS \(table)_no_\(verb)")
      }
    }
    try connection.execute("PRAGMA foreign_keys = OFF")
    try connection.execute(sql)
    try connection.checkpoint(.truncate)
  }

  @Test func `a whole ledger has nothing wrong with it`() async throws {
    try await withLedger { folder in
      let report = try LedgerAudit.run(folder: folder)
      #expect(report.problems == [] && report.lines == 22)
      #expect(report.settled == NanoDollars(190 + 20) && report.uncertain == .zero)
    }
  }

  struct Tampering: Sendable, CustomStringConvertible {
    let sql: String
    let kind: AuditReport.Problem.Kind
    var description: String { sql }
  }

  static let tamperings: [Tampering] = [
    Tampering(sql: "UPDATE lines SET cost = cost + 1 WHERE number = 5", kind: .price),
    Tampering(sql: "UPDATE lines SET output = 1 WHERE number = 5", kind: .price),
    Tampering(sql: "UPDATE lines SET evidence = 'x' WHERE number = 22", kind: .chain),
    Tampering(sql: "DELETE FROM lines WHERE number = 7", kind: .chain),
    Tampering(sql: "DELETE FROM lines WHERE number = 22", kind: .balance),
    Tampering(sql: "UPDATE accounts SET settled = settled - 1 WHERE id = 1", kind: .balance),
    Tampering(sql: "UPDATE spend SET settled = settled - 1", kind: .balance),
    Tampering(sql: "DELETE FROM spend", kind: .balance),
    Tampering(sql: "UPDATE lines SET sent_op = 0 WHERE number = 3", kind: .path),
    Tampering(
      sql: "UPDATE lines SET reserved_op = (SELECT reserved_op FROM lines WHERE number = 2) "
        + "WHERE number = 3", kind: .repeated),
    Tampering(sql: "UPDATE lines SET accounts = '1' WHERE number = 3", kind: .scope),
    Tampering(sql: "UPDATE lines SET api_key = 'other' WHERE number = 3", kind: .scope),
    Tampering(sql: "UPDATE budget_versions SET cap = 150 WHERE name = 'all'", kind: .cap),
    Tampering(sql: "UPDATE price_versions SET input = 5", kind: .price),
    Tampering(sql: "DELETE FROM calls", kind: .call),
  ]

  @Test(arguments: tamperings)
  func `what was changed afterwards is found`(_ tampering: Tampering) async throws {
    try await withLedger { folder in
      try tamper(folder, tampering.sql)
      #expect(try kinds(folder).contains(tampering.kind))
    }
  }

  @Test func `every flipped bit in the rows of the ledger is found`() async throws {
    try await withLedger { folder in
      let path = "\(folder)/ledger.db"
      let whole = try Files.read(path)
      var random = SeededRandom("flipped bits")
      let places = Self.lines(in: whole)
      #expect(places.count == 22)
      var unseen = 0
      for _ in 0..<150 {
        var damaged = whole
        let near = places.randomElement(using: &random) ?? 0
        let place = near + Int.random(in: -14..<70, using: &random)
        damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        let file = try OpenFile(path, for: .replace)
        try file.write(damaged)
        do throws(Fault) {
          if try LedgerAudit.run(folder: folder).problems.isEmpty { unseen += 1 }
        } catch {
          // Too damaged to be asked: seen as well.
        }
      }
      #expect(unseen == 0)
    }
  }

  /// Where the rows of lines say their provider: before it the call's key, behind it the sums.
  private static func lines(in bytes: [UInt8]) -> [Int] {
    let word = Array("provider".utf8)
    return bytes.indices.filter { start in
      start > 4_096 && start + 100 < bytes.count
        && bytes[start..<start + word.count].elementsEqual(word)
        && bytes[start - 25..<start].contains(UInt8(ascii: "~"))
    }
  }

  @Test func `a bill is compared call by call`() async throws {
    try await LedgerFixture.with { fixture in
      func pay(_ request: String, _ settlement: Settlement) async throws {
        let hold = try await fixture.hold(100)
        try fixture.ledger.sent(hold)
        var settlement = settlement
        settlement.providerRequestID = request
        try await fixture.ledger.settle(hold, settlement)
      }
      for (request, cost) in [("a", 10), ("b", 20), ("c", 30)] as [(String, Int64)] {
        try await pay(request, LedgerFixture.used(cost))
      }
      try await pay("u", Settlement(.bound, .aborted))
      let lines = [("a", 10), ("b", 21), ("u", 90), ("x", 5)].map { request, cost in
        #"{"request_id":"\#(request)","call_key":"","usage":{"input":\#(cost)},"#
          + #""cost_nanos":\#(cost)}"#
      }
      let path = "\(fixture.folder)/bill"
      try Files.replace(path, with: lines.joined(separator: "\n") + "\n")
      let bill = try await fixture.audit(BilledCall.read(path)).bill
      #expect(bill?.equal == 1 && bill?.missing == ["x"] && bill?.differing == [2])
      #expect(bill?.extra == [3] && bill?.uncertain == [4])
      #expect(bill?.billedTotal == NanoDollars(126) && bill?.coversBill == false)
      try Files.replace(path, with: "{\"request_id\":1}\n")
      #expect(await reason { _ = try BilledCall.read(path) } == "BILL_UNREADABLE")
    }
  }
}
