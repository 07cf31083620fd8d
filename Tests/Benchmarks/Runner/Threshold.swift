import JSON
import Machine

/// A bar of thresholds.json.
struct Threshold {
  let unit: String
  let bar: Double
  /// True when more is better.
  let isFloor: Bool

  func isMet(by value: Double) -> Bool { isFloor ? value >= bar : value <= bar }

  static let path = "Tests/Benchmarks/thresholds.json"

  static func readAll() throws -> [String: Threshold] {
    let file = try JSONValue(parsing: Files.read(path))
    guard let entries = file.objectValue else { throw BenchError("\(path) is no object") }
    var all: [String: Threshold] = [:]
    for (name, entry) in entries {
      guard let unit = entry["unit"]?.stringValue, let bar = entry["bar"]?.doubleValue,
        let better = entry["better"]?.stringValue, ["higher", "lower"].contains(better)
      else { throw BenchError("\(path): \(name) is not of the form") }
      all[name] = Threshold(unit: unit, bar: bar, isFloor: better == "higher")
    }
    return all
  }
}
