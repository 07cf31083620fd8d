/// How much of a channel's traffic may be retries: a burst, then a share of the calls.
///
/// Without it, a server that answers UNAVAILABLE because it is overloaded is asked again by
/// everybody. The burst covers one lost connection with all its streams.
package struct RetryBudget: Sendable {
  package static let burst = 1024.0
  package static let sharePerCall = 0.1

  private var tokens = RetryBudget.burst

  package init() {}

  package mutating func noteCall() {
    tokens = min(RetryBudget.burst, tokens + RetryBudget.sharePerCall)
  }

  /// False when the share is used up.
  package mutating func take() -> Bool {
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }
}
