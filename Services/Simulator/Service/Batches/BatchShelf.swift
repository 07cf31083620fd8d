import JSON
import SimulatorModel

/// The files and batches that are kept.
struct BatchShelf {
  var placeholder = 0
}

extension Simulation {
  func batchAnswer(
    _ request: HTTPRequest, _ dialect: Dialect, _ key: String
  ) throws(ProviderError) -> HTTPAnswer? { nil }
}
