/// How many calls a provider bears at once, learnt from its answers: half on overload, at most
/// once a window, and one more after each window without one in which all places were taken.
/// Until its first overload nothing is known that a step of one would respect: twice as many.
package struct AdaptiveConcurrency: Sendable, Equatable {
  package struct Policy: Sendable, Equatable {
    package var first: Int64
    package var least: Int64
    package var most: Int64
    /// About one round trip: what was sent before a cut says nothing of what the cut did.
    package var window: Duration

    package init(
      first: Int64 = 5, least: Int64 = 1, most: Int64 = 100, window: Duration = .seconds(1)
    ) {
      self.first = first
      self.least = max(1, least)
      self.most = max(self.least, most)
      self.window = window
    }
  }

  package private(set) var limit: Int64
  private var policy: Policy
  private var windowEnd: MonotonicInstant?
  private var wasFull = false
  private var hasOverloaded = false
  private var quietUntil: MonotonicInstant?

  package init(_ policy: Policy) {
    self.policy = policy
    limit = min(policy.most, max(policy.least, policy.first))
  }

  /// Another range over the same experience.
  package mutating func set(_ policy: Policy) {
    self.policy = policy
    limit = min(policy.most, max(policy.least, limit))
  }

  /// A call leaves, and with it so many are on their way.
  package mutating func left(inFlight: Int64) {
    if inFlight >= limit { wasFull = true }
  }

  package mutating func overloaded(at now: MonotonicInstant) {
    if let quietUntil, now < quietUntil { return }
    limit = max(policy.least, limit / 2)
    hasOverloaded = true
    quietUntil = now + policy.window
    windowEnd = now + policy.window
    wasFull = false
  }

  package mutating func succeeded(at now: MonotonicInstant) {
    guard let windowEnd else {
      self.windowEnd = now + policy.window
      return
    }
    guard now >= windowEnd else { return }
    if wasFull { limit = min(policy.most, limit + (hasOverloaded ? 1 : limit)) }
    wasFull = false
    self.windowEnd = now + policy.window
  }
}
