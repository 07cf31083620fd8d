package import JSON
import SimulatorModel

/// When an answer comes: first byte after `first` and up to `jitter` more, chosen by the call's
/// seed; then so much for each token. What does not stream comes when its last token would.
package struct LatencyLaw: Sendable, Equatable {
  package var firstNanoseconds: UInt64 = 0
  package var perTokenNanoseconds: UInt64 = 0
  package var jitterNanoseconds: UInt64 = 0

  package init() {}

  package var isZero: Bool {
    firstNanoseconds == 0 && perTokenNanoseconds == 0 && jitterNanoseconds == 0
  }

  /// `{"first_ms":…,"per_token_ms":…,"jitter_ms":…}`, each up to an hour.
  package init(_ value: JSONValue) {
    func nanoseconds(_ key: String) -> UInt64 {
      UInt64(min(max(value[key]?.doubleValue ?? 0, 0), 3_600_000) * 1e6)
    }
    firstNanoseconds = nanoseconds("first_ms")
    perTokenNanoseconds = nanoseconds("per_token_ms")
    jitterNanoseconds = nanoseconds("jitter_ms")
  }

  /// Nanoseconds from the request to the first byte.
  package func first(seed: UInt64) -> UInt64 {
    guard jitterNanoseconds > 0 else { return firstNanoseconds }
    var random = SeedSequence(seed)
    return firstNanoseconds + random.next() % jitterNanoseconds
  }

  package func tokens(_ count: Int) -> UInt64 { UInt64(max(0, count)) * perTokenNanoseconds }
}
