import Synchronization

/// How often values fell into each of a fixed row of ranges, each twice as wide as the one below.
///
/// Fixed ranges let histograms of several processes be added up. One value costs two atomic
/// additions and no lock; a snapshot taken meanwhile may lack the newest values.
package final class Histogram: MetricSeriesKind {
  private let scale: HistogramScale
  private let buckets: InlineArray<32, Atomic<UInt64>>
  private let sum = Atomic<UInt64>(0)

  package init(scale: HistogramScale) {
    self.scale = scale
    buckets = InlineArray { _ in Atomic<UInt64>(0) }
  }

  /// Counts one value in the scale's own unit: nanoseconds, bytes or pieces.
  package func record(_ value: UInt64) {
    buckets[scale.bucket(of: value)].wrappingAdd(1, ordering: .relaxed)
    sum.wrappingAdd(value, ordering: .relaxed)
  }

  /// Counts a duration on the scale of seconds; less than nothing counts as nothing.
  package func record(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let nanoseconds = Double(seconds) * 1e9 + Double(attoseconds) / 1e9
    record(UInt64(exactly: max(0, nanoseconds).rounded()) ?? .max)
  }

  /// What was recorded so far.
  package func snapshot() -> HistogramSnapshot {
    var total: UInt64 = 0
    var cumulative: [UInt64] = []
    for index in 0..<scale.bucketCount {
      total &+= buckets[index].load(ordering: .relaxed)
      cumulative.append(total)
    }
    return HistogramSnapshot(
      bounds: scale.bounds, cumulative: cumulative,
      sum: Double(sum.load(ordering: .relaxed)) / scale.unitsPerShown)
  }

  package static func from(_ series: MetricSeries) -> Histogram? {
    guard case .histogram(let histogram) = series else { return nil }
    return histogram
  }

  package static func detached() -> Histogram { Histogram(scale: .pieces) }
}

/// What a histogram measures, and with that its ranges.
package enum HistogramScale: Sendable {
  /// Recorded in nanoseconds, shown in seconds: 1 µs to 67 s.
  case seconds
  /// 64 bytes to 4 GiB.
  case bytes
  /// 1 to 64 Ki pieces of anything.
  case pieces

  /// The upper end of the lowest range.
  private var first: UInt64 {
    switch self {
    case .seconds: 1000
    case .bytes: 64
    case .pieces: 1
    }
  }

  /// Ranges with an upper end; one more has none.
  private var boundCount: Int {
    switch self {
    case .seconds, .bytes: 27
    case .pieces: 17
    }
  }

  var bucketCount: Int { boundCount + 1 }
  var unitsPerShown: Double { self == .seconds ? 1e9 : 1 }

  /// Upper ends, each belonging to its range, as they are shown.
  var bounds: [Double] { (0..<boundCount).map { Double(first << UInt64($0)) / unitsPerShown } }

  /// The range that ends at or above `value`.
  func bucket(of value: UInt64) -> Int {
    guard value > first else { return 0 }
    return min(64 - ((value - 1) / first).leadingZeroBitCount, boundCount)
  }
}

/// What a histogram says at one moment.
package struct HistogramSnapshot: Equatable, Sendable {
  /// Upper ends of the ranges; one more range without an end follows them.
  package var bounds: [Double]
  /// Values up to each end, and last all values.
  package var cumulative: [UInt64]
  package var sum: Double

  package var count: UInt64 { cumulative.last ?? 0 }

  /// The upper end of the range that holds this share of the values: at most twice the truth.
  /// Nil without values; infinity above the highest end.
  package func quantile(_ share: Double) -> Double? {
    guard count > 0 else { return nil }
    let rank = max(1, (Double(count) * min(max(share, 0), 1)).rounded(.up))
    guard let place = cumulative.firstIndex(where: { Double($0) >= rank }) else { return nil }
    return place < bounds.count ? bounds[place] : .infinity
  }
}
