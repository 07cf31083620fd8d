import EventLoop
import GatewayFixtures
import HTTPClient
import JSON
import Machine
import TestSupport
import Testing

/// Limits as the provider sees them: what its own log says came, in every window.
@Suite(.timeLimit(.minutes(3))) struct LimitLogTests {
  /// A call as the simulator has logged it.
  private struct Seen {
    let arrival: Int
    let finished: Int
    let input: Int
    let output: Int
    let inFlight: Int
  }

  private func seen(_ fixture: GatewayFixture) async throws -> [Seen] {
    try await fixture.log().map { line in
      let value = try JSONValue(parsing: line)
      let usage = value["usage"]
      return Seen(
        arrival: value["arrival_ns"]?.intValue ?? 0,
        finished: value["finished_ns"]?.intValue ?? 0,
        input: usage?["input"]?.intValue ?? 0,
        output: usage?["output"]?.intValue ?? 0,
        inFlight: (value["in_flight"]?.intValue ?? 0) + 1)
    }.sorted { $0.arrival < $1.arrival }
  }

  /// The most of `amount` that came within any minute.
  private func most(_ calls: [Seen], _ amount: (Seen) -> Int) -> Int {
    var (first, sum, most) = (0, 0, 0)
    for call in calls {
      sum += amount(call)
      while call.arrival - calls[first].arrival >= 60_000_000_000 {
        sum -= amount(calls[first])
        first += 1
      }
      most = max(most, sum)
    }
    return most
  }

  /// `LIMIT_SECONDS=200` for several windows; else the first one tells.
  private static let seconds =
    EnvironmentVariables.current["LIMIT_SECONDS"].flatMap { Double($0) } ?? 3

  /// Asks from many sides at once, each again as soon as it was answered, until the time is over.
  private func demand(
    _ fixture: GatewayFixture, sides: Int, most tokens: Int, text: String = "x",
    key: String = GatewayFixture.key
  ) async throws -> Int {
    let end = ContinuousClock.now + .seconds(Self.seconds)
    return try await withThrowingTaskGroup(of: Int.self) { group in
      for side in 0..<sides {
        group.addTask {
          var (answered, number) = (0, 0)
          while true {
            let left = end - ContinuousClock.now
            guard left > .milliseconds(20) else { return answered }
            number += 1
            let patience = Int(left / .milliseconds(1))
            let reply = try await fixture.message(
              "\(text) \(side) \(number)", most: tokens, key: key,
              headers: [("x-assay-timeout-ms", "\(patience)")])
            if reply.status == 200 { answered += 1 }
          }
        }
      }
      return try await group.reduce(0, +)
    }
  }

  @Test(arguments: [
    "requests_per_minute: 60", "input_tokens_per_minute: 100000", "output_tokens_per_minute: 3000",
  ])
  func `a minute's limit is never passed, and used up under demand`(_ limit: String) async throws {
    let parts = limit.split(separator: ":")
    let cap = try #require(Int(parts[1].filter(\.isNumber)))
    let text = String(repeating: "some more words of it ", count: cap > 50_000 ? 80 : 1)
    try await GatewayFixture.with(limits: limit) { fixture in
      let answered = try await demand(fixture, sides: 24, most: 40, text: text)
      let calls = try await seen(fixture)
      #expect(answered > 0)
      let used =
        switch String(parts[0]) {
        case "requests_per_minute": most(calls) { _ in 1 }
        case "input_tokens_per_minute": most(calls, \.input)
        default: most(calls, \.output)
        }
      // Tokens are held at their bound until the answer tells them: the last call of a window
      // may not fit though it would have.
      let atLeast = parts[0].hasPrefix("requests") ? cap : cap * 95 / 100
      print("\(limit): \(used) used in the busiest minute, \(calls.count) calls")
      #expect(used <= cap)
      #expect(used >= atLeast, "\(used) of \(cap)")
    }
  }

  @Test func `as many calls are under way as may be, and no more`() async throws {
    try await GatewayFixture.with(limits: "concurrency: 4") { fixture in
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 30]]])
      _ = try await demand(fixture, sides: 24, most: 40)
      let calls = try await seen(fixture).filter { $0.finished > 0 }
      #expect(calls.map(\.inFlight).max() == 4)
      // Work-conserving: the four places are taken nearly all the time.
      let first = try #require(calls.first?.arrival)
      let last = try #require(calls.map(\.finished).max())
      let busy = calls.reduce(0) { $0 + $1.finished - $1.arrival }
      let share = Double(busy) / Double(4 * (last - first))
      print("concurrency: \(share) of four places taken, \(calls.count) calls")
      #expect(share > 0.8)
    }
  }

  @Test func `one with large calls does not starve one with small ones`() async throws {
    // Both products share one key of the provider, which lets few calls through at once.
    try await GatewayFixture.with(providerLimits: "concurrency: 2") { fixture in
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 10]]])
      let large = String(repeating: "many words that cost input tokens ", count: 4_000)
      async let big = demand(fixture, sides: 12, most: 40, text: large)
      async let small = demand(fixture, sides: 4, most: 40, key: "other-key")
      let (bigCount, smallCount) = try await (big, small)
      print("large calls \(bigCount), small calls \(smallCount)")
      #expect(bigCount > 0)
      // By tokens the small one could have hundreds for each of the other's.
      #expect(smallCount > bigCount * 3, "\(smallCount) small beside \(bigCount) large")
    }
  }
}
