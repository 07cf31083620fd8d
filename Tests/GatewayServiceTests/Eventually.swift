import EventLoop
import TestSupport
import Testing

/// Waits until `condition` holds; a deadline stands behind it.
func eventually(
  _ what: String, within limit: Duration = .seconds(20), on loop: EventLoop,
  _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while try await !condition() {
    try #require(ContinuousClock.now < deadline, "\(what) did not happen in \(limit)")
    try await loop.sleep(for: .milliseconds(2))
  }
}
