/// A moment on a clock that never goes back, in nanoseconds; whoever calls reads the clock.
package struct MonotonicInstant: Comparable, Hashable, Sendable {
  package let nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

  /// Later by a duration; stays at the end of time instead of overflowing.
  package static func + (instant: Self, duration: Duration) -> Self {
    instant.later(by: duration.wholeNanoseconds)
  }

  package static func - (left: Self, right: Self) -> Duration {
    .nanoseconds(right.nanoseconds(until: left))
  }

  package func later(by count: Int64) -> Self {
    let (sum, isOver) = nanoseconds.addingReportingOverflow(count)
    return Self(nanoseconds: isOver ? (count < 0 ? .min : .max) : sum)
  }

  package func nanoseconds(until other: Self) -> Int64 {
    let (difference, isOver) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
    return isOver ? (other > self ? .max : .min) : difference
  }
}

extension Duration {
  /// Cut to what 64 bits hold, which is 292 years.
  package var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !isOver else { return seconds < 0 ? .min : .max }
    let (sum, isOverToo) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return isOverToo ? (seconds < 0 ? .min : .max) : sum
  }
}
