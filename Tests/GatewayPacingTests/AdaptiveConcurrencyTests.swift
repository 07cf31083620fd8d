import GatewayPacing
import TestSupport
import Testing

@Suite struct AdaptiveConcurrencyTests {
  @Test func `it starts at five, halves once a window and never falls below one`() {
    var adaptive = AdaptiveConcurrency(.init())
    #expect(adaptive.limit == 5)
    for _ in 0..<50 { adaptive.overloaded(at: at(1)) }
    #expect(adaptive.limit == 2)
    adaptive.overloaded(at: at(2))
    for second in 3..<10 { adaptive.overloaded(at: at(Double(second))) }
    #expect(adaptive.limit == 1)
  }

  @Test func `it doubles in each full window until the first overload, then grows by one`() {
    var adaptive = AdaptiveConcurrency(.init())
    var limits: [Int64] = []
    for second in 0..<10 {
      if second == 4 { adaptive.overloaded(at: at(Double(second))) }
      adaptive.left(inFlight: adaptive.limit)
      adaptive.succeeded(at: at(Double(second) + 0.5))
      limits.append(adaptive.limit)
    }
    #expect(limits == [5, 10, 20, 40, 20, 21, 22, 23, 24, 25])
  }

  @Test func `it grows to its most and no further, and only where all places are taken`() {
    var adaptive = AdaptiveConcurrency(.init(most: 8))
    for step in 0...100 {
      adaptive.left(inFlight: adaptive.limit)
      adaptive.succeeded(at: at(Double(step) * 0.1))
    }
    #expect(adaptive.limit == 8)
    var idle = AdaptiveConcurrency(.init())
    for step in 0...100 {
      idle.left(inFlight: 2)
      idle.succeeded(at: at(Double(step) * 0.1))
    }
    #expect(idle.limit == 5)
  }

  @Test func `it stays within its range whatever happens`() {
    var random = SeededRandom("aimd")
    for _ in 0..<300 {
      let least = Int64.random(in: -3...4, using: &random)
      let most = Int64.random(in: -3...20, using: &random)
      let policy = AdaptiveConcurrency.Policy(first: 5, least: least, most: most)
      var adaptive = AdaptiveConcurrency(policy)
      for step in 0..<100 {
        let now = at(Double(step) * Double.random(in: 0...2, using: &random))
        adaptive.left(inFlight: Int64.random(in: 0...20, using: &random))
        if Bool.random(using: &random) {
          adaptive.succeeded(at: now)
        } else {
          adaptive.overloaded(at: now)
        }
        #expect(adaptive.limit >= max(1, least) && adaptive.limit <= max(1, least, most))
      }
    }
  }
}
