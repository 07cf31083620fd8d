import GatewayAudit
import GatewayFixtures
import GatewayValues
import Glibc
import HTTPClient
import JSON
import Locking
import Machine
import TestSupport
import Testing

/// What is spent is what is billed, and never more than a cap.
@Suite(.timeLimit(.minutes(3))) struct MoneyTests {
  @Test func `every answer costs what the provider bills for it`() async throws {
    try await GatewayFixture.with { fixture in
      var paid: Int64 = 0
      for index in 0..<10 {
        let reply = try await fixture.message("question \(index)")
        #expect(reply.status == 200)
        paid += reply.cost
      }
      let bill = try await fixture.bill()
      #expect(bill.count == 10)
      #expect(bill.values.reduce(0) { $0 + $1.cost } == paid)
    }
  }

  /// `MONEY_ROUNDS=200` for the long form.
  private static let rounds =
    EnvironmentVariables.current["MONEY_ROUNDS"].flatMap { Int($0) } ?? 8

  private struct Paid: Sendable {
    let key: String
    let status: Int
    let reason: String
    let cost: Int64
  }

  /// One client's rounds; every so often it is somebody whom nobody knows.
  private func rounds(of client: Int, _ fixture: GatewayFixture) async throws -> [Paid] {
    let key = client % 2 == 0 ? GatewayFixture.key : "other-key"
    var seen: [Paid] = []
    for round in 0..<Self.rounds {
      // A key that nobody knows spends nothing, first or not.
      let isStranger = client < 2 && round % 4 == 0
      let reply = try await fixture.message(
        "client \(client) round \(round)", most: 200, key: isStranger ? "stranger-\(round)" : key)
      if isStranger {
        #expect(reply.status == 401)
      } else {
        seen.append(Paid(key: key, status: reply.status, reason: reply.reason, cost: reply.cost))
      }
    }
    return seen
  }

  @Test(.timeLimit(.minutes(20)))
  func `64 clients of two products overspend neither's cap, and spend what is there`() async throws
  {
    // A call of these is held at about half a cent and costs far less: most of the rounds can be
    // paid, whatever their number, and the last ones cannot.
    let cap = Int64(Self.rounds) * 3_125_000
    let nanos = String(1_000_000_000 + cap % 1_000_000_000).dropFirst()
    let dollars = "\(cap / 1_000_000_000).\(nanos)"
    try await GatewayFixture.with(budget: "total: \(dollars)") { fixture in
      let paid = try await withThrowingTaskGroup(of: [Paid].self) { group in
        for client in 0..<64 {
          group.addTask { try await rounds(of: client, fixture) }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      let billed = try await fixture.bill().values.reduce(0) { $0 + $1.cost }
      #expect(billed == paid.reduce(0) { $0 + $1.cost })
      for key in [GatewayFixture.key, "other-key"] {
        let own = paid.filter { $0.key == key }
        let refused = own.filter { $0.status != 200 }
        #expect(refused.allSatisfy { $0.status == 402 && $0.reason == "BUDGET_EXHAUSTED" })
        #expect(!refused.isEmpty)
        var spent = own.reduce(0) { $0 + $1.cost }
        #expect(spent <= cap)
        // With nobody else's holds in the way, all is spent but less than one more call may cost.
        var round = 0
        while true {
          let reply = try await fixture.message("alone \(key) \(round)", most: 200, key: key)
          guard reply.status == 200 else { break }
          spent += reply.cost
          round += 1
        }
        #expect(spent <= cap)
        #expect(cap - spent < 3_500_000, "\(cap - spent)")
        print("\(own.count) calls: \(spent) of \(cap) spent, \(refused.count) refused")
      }
    }
  }

  @Test func `a call key is paid once, and answered for ever`() async throws {
    try await GatewayFixture.with { fixture in
      let key = [("x-assay-call-key", "call-1")]
      let first = try await fixture.message("once", headers: key)
      let again = try await fixture.message("once", headers: key)
      #expect(again.body == first.body)
      #expect(again.headers["x-assay-cache"] == "replay")
      let streamed = [("x-assay-call-key", "call-2")]
      let stream = try await fixture.message("once more", isStream: true, headers: streamed)
      let replay = try await fixture.message("once more", isStream: true, headers: streamed)
      #expect(replay.body == stream.body)
      #expect(try await fixture.bill().count == 2)
      let other = try await fixture.message("something else", headers: key)
      #expect(other.reason == "CALL_KEY_REUSED")
      // The same while the first is still on its way.
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 300]]])
      let slow = [("x-assay-call-key", "call-3")]
      async let early = fixture.message("slow", headers: slow)
      try await eventually("the slow call is asked", on: fixture.loop) {
        try await fixture.strikes() > 0
      }
      #expect(try await fixture.message("not the same", headers: slow).reason == "CALL_KEY_REUSED")
      #expect(try await early.status == 200)
      try await fixture.script([])
      // Of another product, it is another call.
      let foreign = try await fixture.message("once", key: "other-key", headers: key)
      #expect(foreign.headers["x-assay-cache"] == "miss")
    }
  }

  @Test func `who waits no longer is told so, and the call is made all the same`() async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 400]]])
      let key = ("x-assay-call-key", "late")
      let short = [key, ("x-assay-timeout-ms", "50")]
      let reply = try await fixture.message("late", headers: short)
      #expect(reply.status == 504 && reply.reason == "WAITED_TOO_LONG", "\(reply.text)")
      let later = try await fixture.message("late", headers: [key])
      #expect(later.status == 200)
      #expect(try await fixture.bill().count == 1)
    }
  }

  @Test func `64 equal calls at once ask once`() async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 300]]])
      let sources = try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 0..<64 {
          group.addTask {
            let reply = try await fixture.message("the same")
            #expect(reply.status == 200)
            return reply.headers["x-assay-cache"] ?? ""
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(sources.filter { $0 == "miss" }.count == 1, "\(sources)")
      #expect(try await fixture.bill().count == 1)
      // Samples are asked each on its own.
      _ = try await fixture.message("the same", headers: [("x-assay-sample", "1")])
      #expect(try await fixture.bill().count == 2)
    }
  }

  /// `GATEWAY_KILLS=500` for the long form.
  private static let kills =
    EnvironmentVariables.current["GATEWAY_KILLS"].flatMap { Int($0) } ?? 6
  private static let clients = 8

  @Test(.timeLimit(.minutes(20)), arguments: ["process", "power"])
  func `a kill loses no line, and what was in flight is charged and listed`(
    _ durability: String
  ) async throws {
    var random = SeededRandom("kills")
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 5]]])
      // The first is the fixture's own, which gives way to those that are killed.
      try await fixture.gateway.end()
      let environment = GatewayFixture.environment(fixture.folder, durability)
      var answered = 0
      for round in 0..<Self.kills {
        let after = Int.random(in: 1...60, using: &random)
        answered += try await ChildTool.with(
          try BuildPlace.executable("assay-gateway"), [], environment: environment
        ) { gateway in
          try await GatewayFixture.ready(gateway, fixture.loop)
          let seen = try await killed(gateway, after: after, round, fixture)
          _ = try await gateway.ended()
          return seen
        }
      }
      // Opened once more, so that what the last one left is settled.
      try await ChildTool.with(
        try BuildPlace.executable("assay-gateway"), [], environment: environment
      ) { gateway in
        try await GatewayFixture.ready(gateway, fixture.loop)
        try await gateway.end()
      }
      try await check(fixture, answered: answered, durability)
    }
  }

  /// Load until so many calls were answered, whole or as streams, and then a kill in its midst.
  private func killed(
    _ gateway: ChildTool, after count: Int, _ round: Int, _ fixture: GatewayFixture
  ) async throws -> Int {
    let seen = Counter()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for client in 0..<Self.clients {
        group.addTask {
          for call in 0..<200 {
            let text = "\(round) \(client) \(call)"
            guard let reply = try? await fixture.message(text, isStream: client % 2 == 1)
            else { return }
            #expect(reply.status == 200, "\(reply.text)")
            if seen.add() == count { kill(gateway.pid, SIGKILL) }
          }
        }
      }
      try await group.waitForAll()
    }
    return seen.count
  }

  /// The ledger's file against the simulator's: each call at the same usage and cost, or at a
  /// bound that covers it.
  private func check(
    _ fixture: GatewayFixture, answered: Int, _ durability: String
  ) async throws {
    try await fixture.simulator.end()
    let billed = try BilledCall.read("\(fixture.folder)/bill.jsonl")
    let report = try LedgerAudit.run(folder: "\(fixture.folder)/ledger", bill: billed)
    #expect(report.isClean, "\(report.problems.prefix(5))")
    let comparison = try #require(report.bill)
    #expect(comparison.coversBill, "\(comparison)")
    #expect(comparison.extra.isEmpty)
    #expect(comparison.equal + comparison.uncertain.count >= billed.count)
    #expect(billed.count >= answered)
    // Each client has one call in flight at each kill.
    #expect(comparison.uncertain.count <= Self.kills * Self.clients)
    print(
      "\(Self.kills) kills, \(durability): \(answered) answered, \(billed.count) billed, "
        + "\(comparison.equal) equal, \(comparison.uncertain.count) uncertain")
  }
}

/// Counts what many tasks have seen.
private final class Counter: Sendable {
  private let value = Lock(0)

  var count: Int { value.withLock { $0 } }

  func add() -> Int {
    value.withLock { value in
      value += 1
      return value
    }
  }
}
