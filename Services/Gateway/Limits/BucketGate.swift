package import GatewayPacing

/// Closes a provider bucket for all its callers at once; it opens with one call that tries.
///
/// A closed gate is never opened earlier by another answer. A used-up quota is closed until the
/// date that the provider named, or until the operator says so, and no call tries it before.
package struct BucketGate: Sendable, Equatable {
  package enum State: Sendable, Equatable {
    case open
    /// Until an instant; the first call afterwards goes alone.
    case closed(until: MonotonicInstant)
    /// One call is to find out; `isTried` when it is on its way.
    case probing(isTried: Bool)
    /// Nil: until the operator opens it.
    case shut(WaitReason, until: MonotonicInstant?)
  }

  private var closedUntil: MonotonicInstant?
  private var shutFor: WaitReason?
  private var shutUntil: MonotonicInstant?
  private var isUnproven = false
  private var isTried = false
  /// 429s in a row that named no time.
  private var strikes = 0

  package init() {}

  package func state(at now: MonotonicInstant) -> State {
    if let shutFor, shutUntil.map({ $0 > now }) ?? true { return .shut(shutFor, until: shutUntil) }
    if let closedUntil, closedUntil > now { return .closed(until: closedUntil) }
    return isUnproven ? .probing(isTried: isTried) : .open
  }

  /// The provider named the time.
  package mutating func close(until end: MonotonicInstant) {
    closedUntil = max(closedUntil ?? end, end)
    isUnproven = true
  }

  /// The provider named no time. Answers to calls that left before the gate closed say nothing
  /// new; false for these.
  package mutating func closeWithBackoff<R: RandomNumberGenerator>(
    _ policy: BucketPolicy, at now: MonotonicInstant, using random: inout R
  ) -> Bool {
    if let closedUntil, closedUntil > now { return false }
    let first = max(1, policy.backoffFirst.wholeNanoseconds)
    let most = max(first, policy.backoffMost.wholeNanoseconds)
    let doubled = first.multipliedReportingOverflow(by: 1 << min(strikes, 20))
    let ceiling = doubled.overflow ? most : min(most, doubled.partialValue)
    let wait = Int64.random(in: 0...ceiling, using: &random)
    close(until: now.later(by: max(policy.backoffLeast.wholeNanoseconds, wait)))
    strikes += 1
    return true
  }

  /// Closes for longer than anyone should wait; never shortens.
  package mutating func shut(for reason: WaitReason, until end: MonotonicInstant?) {
    if shutFor != nil {
      guard let shutUntil, end.map({ $0 > shutUntil }) ?? true else { return }
    }
    shutFor = reason
    shutUntil = end
    isUnproven = true
  }

  /// The operator's word: open, whatever the provider said.
  package mutating func reopen() { self = BucketGate() }

  /// A call leaves; true when it is the one that tries.
  mutating func pass(at now: MonotonicInstant) -> Bool {
    guard case .probing(false) = state(at: now) else { return false }
    isTried = true
    return true
  }

  /// The trying call ended; the gate is open when the provider answered it.
  mutating func probeEnded(hasAnswered: Bool) {
    isTried = false
    if hasAnswered, isUnproven { prove() }
  }

  /// Any answer that is not a 429 of a call that left through an open gate.
  mutating func prove() {
    isUnproven = false
    strikes = 0
  }
}
