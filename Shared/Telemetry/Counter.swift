import Synchronization

/// A number that only grows.
package final class Counter: MetricSeriesKind {
  private let count = Atomic<UInt64>(0)

  package init() {}

  package var value: UInt64 { count.load(ordering: .relaxed) }

  package func add(_ amount: UInt64 = 1) { count.wrappingAdd(amount, ordering: .relaxed) }

  package static func from(_ series: MetricSeries) -> Counter? {
    guard case .counter(let counter) = series else { return nil }
    return counter
  }

  package static func detached() -> Counter { Counter() }
}

/// A number that goes up and down.
package final class Gauge: MetricSeriesKind {
  private let number = Atomic<Int64>(0)

  package init() {}

  package var value: Int64 { number.load(ordering: .relaxed) }

  package func set(_ value: Int64) { number.store(value, ordering: .relaxed) }
  package func add(_ amount: Int64) { number.wrappingAdd(amount, ordering: .relaxed) }

  package static func from(_ series: MetricSeries) -> Gauge? {
    guard case .gauge(let gauge) = series else { return nil }
    return gauge
  }

  package static func detached() -> Gauge { Gauge() }
}
