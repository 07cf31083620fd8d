import Locking

/// The counters, gauges and histograms of a process.
///
/// Register at start and keep what you get: counting then takes no lock. A family with labels
/// has one series per combination of values up to `MetricsLimits.seriesMax`; what comes after
/// that is counted in one series whose values are all `other`, so that no peer can make a
/// process remember names without end.
package final class Metrics: Sendable {
  private let families = Lock<[String: MetricFamily]>([:])
  private let limits: MetricsLimits

  package init(limits: MetricsLimits = MetricsLimits()) {
    self.limits = limits
  }

  /// A number that only grows. Its name ends in `_total`.
  package func counter(
    _ name: StaticString, help: StaticString, labels: [LabelName] = []
  ) -> Labelled<Counter> {
    Labelled(family(name, help, .counter, labels) { .counter(Counter()) })
  }

  /// A number that goes up and down.
  package func gauge(
    _ name: StaticString, help: StaticString, labels: [LabelName] = []
  ) -> Labelled<Gauge> {
    Labelled(family(name, help, .gauge, labels) { .gauge(Gauge()) })
  }

  /// A gauge that is asked when somebody looks. `read` must be quick and must not register.
  package func gauge(
    _ name: StaticString, help: StaticString, read: @escaping @Sendable () -> Double
  ) {
    let gauge = family(name, help, .gauge, []) { .reading(read) }
    _ = gauge.series([])
  }

  /// How often values fell into which range.
  package func histogram(
    _ name: StaticString, help: StaticString, scale: HistogramScale, labels: [LabelName] = []
  ) -> Labelled<Histogram> {
    Labelled(family(name, help, .histogram, labels) { .histogram(Histogram(scale: scale)) })
  }

  /// What every metric says now, ordered by name and label values.
  package func snapshot() -> [MetricSnapshot] {
    let all = families.withLock { $0.values.sorted { $0.name < $1.name } }
    return all.map { $0.snapshot() }
  }

  /// Two modules may ask for the same family; that they disagree about it is a bug in one of them.
  private func family(
    _ name: StaticString, _ help: StaticString, _ kind: MetricKind, _ labels: [LabelName],
    _ make: @escaping @Sendable () -> MetricSeries
  ) -> MetricFamily {
    let name = name.description
    precondition(Self.isName(name), "metric names are assay_ and lower-case words: \(name)")
    return families.withLock { families in
      if let known = families[name] {
        precondition(
          known.kind == kind && known.labels == labels, "\(name) is registered in two ways")
        return known
      }
      let fresh = MetricFamily(
        name: name, help: help.description, kind: kind, labels: labels,
        seriesMax: limits.seriesMax, make: make)
      families[name] = fresh
      return fresh
    }
  }

  private static func isName(_ name: String) -> Bool {
    name.hasPrefix("assay_")
      && name.utf8.allSatisfy {
        ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F
      }
  }
}

/// Bounds on what metrics remember.
package struct MetricsLimits: Equatable, Sendable {
  /// Combinations of label values in one family, the one for all others not counted.
  package var seriesMax: Int
  /// Bytes of one label value; what is longer counts as `other`.
  package static let labelBytesMax = 128

  package init(seriesMax: Int = 200) { self.seriesMax = seriesMax }
}

/// The names a metric may tell its series apart by: this list and no other, for the same reason
/// as with `LogField`.
package struct LabelName: Hashable, Sendable {
  package let text: String

  private init(_ text: String) { self.text = text }

  package static let service = LabelName("service")
  package static let instance = LabelName("instance")
  package static let method = LabelName("method")
  package static let code = LabelName("code")
  package static let kind = LabelName("kind")
  package static let limit = LabelName("limit")
  package static let reason = LabelName("reason")
  package static let state = LabelName("state")
  package static let peer = LabelName("peer")
  package static let product = LabelName("product")
  package static let provider = LabelName("provider")
  package static let model = LabelName("model")
  package static let direction = LabelName("direction")
}

/// A family of `Series`, told apart by the values of its labels.
package struct Labelled<Series: MetricSeriesKind>: Sendable {
  private let family: MetricFamily

  init(_ family: MetricFamily) { self.family = family }

  /// The series for these values, one per label in their order. Takes a lock: where it counts,
  /// keep the result.
  package func callAsFunction(_ values: String...) -> Series {
    Series.from(family.series(values)) ?? Series.detached()
  }
}

/// The three kinds of series. Closed: nothing outside this module conforms.
package protocol MetricSeriesKind: Sendable {
  /// The same series in its own type.
  static func from(_ series: MetricSeries) -> Self?
  /// A series that no family shows.
  static func detached() -> Self
}

/// One series of any kind.
package enum MetricSeries: Sendable {
  case counter(Counter)
  case gauge(Gauge)
  case reading(@Sendable () -> Double)
  case histogram(Histogram)
}
