import Telemetry
import TestSupport
import Testing

@testable import SimulatorModel

/// Limits by the window.
@Suite struct RateLimiterTests {
  @Test func `however calls come, a window never admits more than twice its worth`() throws {
    // A bucket that is full at the start of a window gives its content and its refill.
    var random = SeededRandom("limits")
    var limiter = RateLimiter()
    var limits = RateLimits()
    limits.requests = 20
    limits.inputTokens = 5000
    limiter.limits = ["*": limits]
    var admitted: [(time: UInt64, tokens: Int)] = []
    var now: UInt64 = 0
    for _ in 0..<4000 {
      now += UInt64.random(in: 0...2_000_000_000, using: &random)
      let request = try messages(system: Int.random(in: 1...900, using: &random))
      var usage = TokenUsage()
      usage.input = request.promptTokens
      let verdict = limiter.admit(
        request, usage, scope: "k", now: now, wall: WallTime(seconds: 0))
      if case .admitted? = verdict { admitted.append((now, usage.input)) }
    }
    for (index, first) in admitted.enumerated() {
      let window = admitted[index...].prefix { $0.time < first.time + 60_000_000_000 }
      #expect(window.count <= 40 && window.reduce(0) { $0 + $1.tokens } <= 10_000)
    }
    // And it is used: 67 minutes of 20 at most, with more asked for.
    #expect(admitted.count > 300)
  }

  @Test func `a refusal says when the next call fits`() throws {
    var limiter = RateLimiter()
    var limits = RateLimits()
    limits.requests = 2
    limiter.limits = ["*": limits]
    func ask(_ now: UInt64) throws -> Int? {
      let verdict = limiter.admit(
        try messages(), TokenUsage(), scope: "k", now: now, wall: WallTime(seconds: 0))
      if case .refused(_, let seconds, _)? = verdict { return seconds }
      return nil
    }
    #expect(try ask(0) == nil && ask(0) == nil)
    #expect(try ask(0) == 30)
    #expect(try ask(29_000_000_000) == 1)
    #expect(try ask(30_000_000_000) == nil)
  }

  @Test func `OpenAI's durations read as it writes them`() {
    #expect(RateLimiter.duration(20_000_000) == "20ms")
    #expect(RateLimiter.duration(1_000_000_000) == "1s")
    #expect(RateLimiter.duration(360_000_000_000) == "6m0s")
  }
}
