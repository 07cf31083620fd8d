// GatewayPacing: the instruments that decide about calls, each for itself: a fair queue, adaptive
// concurrency, a breaker, a budget of retries. Plain values that know no clock, no chance, no
// provider and nothing of each other. Limits: the `Policy` of each.

/// A moment on a clock that never goes back, in nanoseconds; whoever calls reads the clock.
package struct MonotonicInstant: Comparable, Hashable, Sendable {
  package let nanoseconds: Int64

  @inlinable package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  @inlinable package static func < (left: Self, right: Self) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// Later by a duration; stays at the end of time instead of overflowing.
  @inlinable package static func + (instant: Self, duration: Duration) -> Self {
    instant.later(by: duration.wholeNanoseconds)
  }

  @inlinable package static func - (left: Self, right: Self) -> Duration {
    .nanoseconds(right.nanoseconds(until: left))
  }

  @inlinable package func later(by count: Int64) -> Self {
    let (sum, isOver) = nanoseconds.addingReportingOverflow(count)
    return Self(nanoseconds: isOver ? (count < 0 ? .min : .max) : sum)
  }

  @inlinable package func nanoseconds(until other: Self) -> Int64 {
    let (difference, isOver) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
    return isOver ? (other > self ? .max : .min) : difference
  }
}

extension Duration {
  /// Cut to what 64 bits hold, which is 292 years.
  @inlinable package var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !isOver else { return seconds < 0 ? .min : .max }
    let (sum, isOverToo) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return isOverToo ? (seconds < 0 ? .min : .max) : sum
  }
}
