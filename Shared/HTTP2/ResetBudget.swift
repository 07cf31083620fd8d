/// How many streams a peer may still abort: a bucket that refills with time.
package struct ResetBudget: Sendable {
  private let burst: Double
  private let perNanosecond: Double
  private var tokens: Double
  private var refilledAt: UInt64 = 0

  package init(burst: Int, perSecond: Int) {
    self.burst = Double(burst)
    self.perNanosecond = Double(perSecond) / 1e9
    self.tokens = Double(burst)
  }

  /// Takes one; false when the peer has had too many.
  package mutating func take(at nanoseconds: UInt64) -> Bool {
    if nanoseconds > refilledAt {
      tokens = min(burst, tokens + Double(nanoseconds - refilledAt) * perNanosecond)
      refilledAt = nanoseconds
    }
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }
}
