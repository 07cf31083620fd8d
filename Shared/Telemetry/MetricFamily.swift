import Locking

/// One name, and a series for each combination of label values.
final class MetricFamily: Sendable {
  let name: String
  let help: String
  let kind: MetricKind
  let labels: [LabelName]
  private let seriesMax: Int
  private let make: @Sendable () -> MetricSeries
  private let all = Lock<[[String]: MetricSeries]>([:])

  /// The label value of whatever came after the limit.
  static let other = "other"

  init(
    name: String, help: String, kind: MetricKind, labels: [LabelName], seriesMax: Int,
    make: @escaping @Sendable () -> MetricSeries
  ) {
    self.name = name
    self.help = help
    self.kind = kind
    self.labels = labels
    self.seriesMax = seriesMax
    self.make = make
  }

  func series(_ values: [String]) -> MetricSeries {
    precondition(values.count == labels.count, "\(name) has \(labels.count) labels")
    let values = values.map { $0.utf8.count <= MetricsLimits.labelBytesMax ? $0 : Self.other }
    return all.withLock { all in
      if let known = all[values] { return known }
      let others = labels.map { _ in Self.other }
      let isFull = !labels.isEmpty && all.count - (all[others] == nil ? 0 : 1) >= seriesMax
      let key = isFull ? others : values
      if let known = all[key] { return known }
      let fresh = make()
      all[key] = fresh
      return fresh
    }
  }

  func snapshot() -> MetricSnapshot {
    let series = all.withLock { $0.sorted { $0.key.lexicographicallyPrecedes($1.key) } }
    let samples = series.map { values, series in
      MetricSnapshot.Sample(
        labels: zip(labels, values).map { MetricSnapshot.Label(name: $0.text, value: $1) },
        value: series.reading)
    }
    return MetricSnapshot(name: name, help: help, kind: kind, samples: samples)
  }
}

extension MetricSeries {
  fileprivate var reading: MetricSnapshot.Value {
    switch self {
    case .counter(let counter): .number(Double(counter.value))
    case .gauge(let gauge): .number(Double(gauge.value))
    case .reading(let read): .number(read())
    case .histogram(let histogram): .histogram(histogram.snapshot())
    }
  }
}
