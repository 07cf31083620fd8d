/// What kind of number a metric is.
package enum MetricKind: String, Sendable {
  case counter, gauge, histogram
}

/// One metric at one moment, with all its series.
package struct MetricSnapshot: Equatable, Sendable {
  /// A label with its value.
  package struct Label: Equatable, Sendable {
    package var name: String
    package var value: String
  }

  /// What one series says.
  package enum Value: Equatable, Sendable {
    case number(Double)
    case histogram(HistogramSnapshot)
  }

  /// One series.
  package struct Sample: Equatable, Sendable {
    package var labels: [Label]
    package var value: Value
  }

  package var name: String
  package var help: String
  package var kind: MetricKind
  package var samples: [Sample]
}

extension [MetricSnapshot] {
  /// Prometheus' text format, version 0.0.4.
  package var prometheusText: String {
    var text = ""
    for metric in self where !metric.samples.isEmpty {
      text += "# HELP \(metric.name) \(metric.help.escaped(quote: false))\n"
      text += "# TYPE \(metric.name) \(metric.kind.rawValue)\n"
      for sample in metric.samples {
        switch sample.value {
        case .number(let value):
          text += "\(metric.name)\(sample.labels.text()) \(value.shown)\n"
        case .histogram(let histogram):
          text += histogram.text(metric.name, sample.labels)
        }
      }
    }
    return text
  }
}

extension HistogramSnapshot {
  fileprivate func text(_ name: String, _ labels: [MetricSnapshot.Label]) -> String {
    var text = ""
    for (bound, count) in zip(bounds + [.infinity], cumulative) {
      text += "\(name)_bucket\(labels.text(and: ("le", bound.shown))) \(count)\n"
    }
    text += "\(name)_sum\(labels.text()) \(sum.shown)\n"
    text += "\(name)_count\(labels.text()) \(count)\n"
    return text
  }
}

extension [MetricSnapshot.Label] {
  fileprivate func text(and last: (name: String, value: String)? = nil) -> String {
    var parts = map { "\($0.name)=\"\($0.value.escaped(quote: true))\"" }
    if let last { parts.append("\(last.name)=\"\(last.value)\"") }
    return parts.isEmpty ? "" : "{\(parts.joined(separator: ","))}"
  }
}

extension Double {
  /// Whole numbers without a fraction, and Prometheus' words for the rest.
  fileprivate var shown: String {
    if isNaN { return "NaN" }
    if isInfinite { return self > 0 ? "+Inf" : "-Inf" }
    return Int64(exactly: self).map(String.init) ?? description
  }
}

extension String {
  fileprivate func escaped(quote: Bool) -> String {
    var text = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\"" where quote: text += "\\\""
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
