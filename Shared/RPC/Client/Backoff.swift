/// Waits between attempts to connect, as gRPC publishes them: they grow by 1.6, with jitter.
package struct Backoff: Sendable {
  package let initial: Duration
  package let maximum: Duration
  private var current: Duration?

  package init(initial: Duration = .seconds(1), maximum: Duration = .seconds(120)) {
    self.initial = initial
    self.maximum = maximum
  }

  /// A Unix socket costs microseconds to try, and a service is restarted within milliseconds.
  package static let local = Backoff(initial: .milliseconds(20), maximum: .seconds(1))

  package mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
    let base = current.map { min($0 * 1.6, maximum) } ?? initial
    current = base
    return base * Double.random(in: 0.8...1.2, using: &random)
  }

  package mutating func reset() { current = nil }
}
