import GatewayAudit
import GatewayFixtures
import HTTPClient
import JSON
import TestSupport
import Testing

extension GatewayFixture {
  /// A call as the simulator has logged it.
  struct Logged: Sendable {
    let arrival: Int
    let finished: Int
    let status: Int
    let key: String
    let model: String
  }

  /// Every call that a provider got to see, in the order of their arrival.
  func logged() async throws -> [Logged] {
    try await log().map { line in
      let value = try JSONValue(parsing: line)
      return Logged(
        arrival: value["arrival_ns"]?.intValue ?? 0, finished: value["finished_ns"]?.intValue ?? 0,
        status: value["status"]?.intValue ?? 0, key: value["key"]?.stringValue ?? "",
        model: value["model"]?.stringValue ?? "")
    }.sorted { $0.arrival < $1.arrival }
  }

  /// The bill as it stands.
  func billed() async throws -> [BilledCall] {
    let response = try await control.send(HTTPClientRequest(.get, "/bill"))
    return try BilledCall.parse(try await response.body.collect(max: 64 << 20), from: "/bill")
  }

  /// Ends both, and adds the ledger up against the bill: its file is whole, and every billed call
  /// stands in it at what was billed, or at a bound that covers it.
  func closed() async throws -> (report: AuditReport, bill: BillComparison) {
    if gateway.isRunning { try await gateway.end() }
    if simulator.isRunning { try await simulator.end() }
    let bill = try BilledCall.read("\(folder)/bill.jsonl")
    let report = try LedgerAudit.run(folder: "\(folder)/ledger", bill: bill)
    #expect(report.isClean, "\(report.problems.prefix(5))")
    let comparison = try #require(report.bill)
    #expect(comparison.coversBill && comparison.extra.isEmpty, "\(comparison)")
    return (report, comparison)
  }

  /// All at once.
  func together<R: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) async throws -> R
  ) async throws -> [R] {
    try await withThrowingTaskGroup(of: (Int, R).self) { group in
      for index in 0..<count { group.addTask { (index, try await body(index)) } }
      return try await group.reduce(into: [(Int, R)]()) { $0.append($1) }
        .sorted { $0.0 < $1.0 }.map(\.1)
    }
  }
}
