import Faults
import RPC
import Testing

/// The values behind the channel's decisions, without I/O.
@Suite struct PolicyTests {
  @Test func `the backoff grows by 1.6 with a fifth of jitter up to its maximum`() {
    var random = SystemRandomNumberGenerator()
    var backoff = Backoff()
    var base = 1.0
    for _ in 0..<20 {
      let wait = backoff.next(using: &random) / .seconds(1)
      #expect((base * 0.8...base * 1.2).contains(wait))
      base = min(base * 1.6, 120)
    }
    backoff.reset()
    #expect(backoff.next(using: &random) <= .seconds(1.2))
  }

  @Test func `540 seconds of refused connections are about thirteen tries`() {
    var random = SystemRandomNumberGenerator()
    var backoff = Backoff()
    var elapsed = Duration.zero
    var tries = 0
    while elapsed < .seconds(540) {
      tries += 1
      elapsed += backoff.next(using: &random)
    }
    #expect((11...15).contains(tries))
  }

  @Test func `retries are a burst and then a tenth of the calls`() {
    var budget = RetryBudget()
    var burst = 0
    while budget.take() { burst += 1 }
    #expect(burst == Int(RetryBudget.burst))
    for _ in 0..<100 { budget.noteCall() }
    var share = 0
    while budget.take() { share += 1 }
    #expect((9...10).contains(share))
  }
}
