import GatewayPacing
import TestSupport
import Testing

@Suite struct CircuitBreakerTests {
  private func opened() -> CircuitBreaker {
    var breaker = CircuitBreaker(.init())
    for step in 0..<5 { breaker.failed(isProbe: false, at: at(Double(step) * 0.1)) }
    return breaker
  }

  @Test func `it opens within a second of failures`() {
    #expect(opened().state(at: at(0.5)) == .open(until: at(1.4)))
  }

  @Test func `an answer between failures keeps it closed unless half of many fail`() {
    var breaker = CircuitBreaker(.init())
    for step in 0..<19 {
      let now = at(Double(step) * 0.1)
      if step % 2 == 0 {
        breaker.failed(isProbe: false, at: now)
      } else {
        breaker.answered(isProbe: false, at: now)
      }
      #expect(breaker.state(at: now) == .closed)
    }
    breaker.failed(isProbe: false, at: at(2))
    #expect(breaker.state(at: at(2)) == .open(until: at(3)))
  }

  @Test func `one call tries at a time and two answers close it`() {
    var breaker = opened()
    check(!breaker.pass(at: at(1)))
    #expect(breaker.state(at: at(1.4)) == .halfOpen(isTried: false))
    check(breaker.pass(at: at(1.4)))
    #expect(breaker.state(at: at(1.5)) == .halfOpen(isTried: true))
    breaker.abandoned(isProbe: true)
    #expect(breaker.state(at: at(1.5)) == .halfOpen(isTried: false))
    for _ in 0..<2 {
      check(breaker.pass(at: at(2)))
      breaker.answered(isProbe: true, at: at(2))
    }
    #expect(breaker.state(at: at(2)) == .closed)
  }

  @Test func `each failed try waits twice as long up to a bound`() {
    var breaker = opened()
    var now = 1.4
    var waits: [Double] = []
    for _ in 0..<7 {
      check(breaker.pass(at: at(now)))
      breaker.failed(isProbe: true, at: at(now))
      guard case .open(let end) = breaker.state(at: at(now)) else { return }
      waits.append((end.seconds - now).rounded())
      now = end.seconds
    }
    #expect(waits == [2, 4, 8, 16, 30, 30, 30])
  }

  @Test func `what left before it opened neither opens nor closes it again`() {
    var breaker = opened()
    breaker.answered(isProbe: false, at: at(0.6))
    breaker.failed(isProbe: false, at: at(0.7))
    #expect(breaker.state(at: at(1)) == .open(until: at(1.4)))
    check(breaker.pass(at: at(1.4)))
    breaker.failed(isProbe: false, at: at(1.5))
    #expect(breaker.state(at: at(1.5)) == .halfOpen(isTried: true))
  }

  @Test func `no sequence lets two calls try at once or leaves it open for ever`() {
    var random = SeededRandom("breaker")
    for _ in 0..<500 {
      var breaker = CircuitBreaker(.init())
      var now = 0.0
      var trying = 0
      for _ in 0..<100 {
        now += Double.random(in: 0...1, using: &random)
        let isTrying = trying > 0
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
          guard breaker.state(at: at(now)) != .halfOpen(isTried: true) else { continue }
          if breaker.pass(at: at(now)) { trying += 1 }
        case 1:
          breaker.answered(isProbe: isTrying, at: at(now))
          trying = 0
        case 2:
          breaker.failed(isProbe: isTrying, at: at(now))
          trying = 0
        default:
          breaker.abandoned(isProbe: isTrying)
          trying = 0
        }
        #expect(trying <= 1)
        if case .open(let end) = breaker.state(at: at(now)) { #expect(end.seconds <= now + 30) }
      }
    }
  }
}
