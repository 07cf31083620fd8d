import GatewayValues
package import Telemetry

/// What became of questions and answers, by product.
package struct CacheCounts: Sendable {
  enum State: String {
    case hit
    case miss
    case stored
    /// For others that were used later.
    case evicted
    case expired
    /// Not kept: too many were on their way to the file, or it was too large.
    case dropped
    /// The file could not be read or written.
    case failed
  }

  private let answers: Labelled<Counter>

  package init(_ metrics: Metrics) {
    answers = metrics.counter(
      "assay_gateway_cache_answers_total", help: "Answers of the response cache, by what became.",
      labels: [.product, .state])
  }

  func count(_ state: State, _ product: GatewayName, _ count: Int = 1) {
    if count > 0 { answers(product.text, state.rawValue).add(UInt64(count)) }
  }
}
