package import EventLoop

/// Waits until `condition` holds; a deadline stands behind it.
package func eventually(
  _ what: String, within limit: Duration = .seconds(20), on loop: EventLoop,
  _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while try await !condition() {
    guard ContinuousClock.now < deadline else {
      throw ChildTool.Failure(description: "\(what) did not happen in \(limit)")
    }
    try await loop.sleep(for: .milliseconds(2))
  }
}
