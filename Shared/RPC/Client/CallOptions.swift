package import GRPCFormat

/// What a caller may say about one call.
package struct CallOptions: Sendable {
  package var metadata = Metadata()
  /// From now; the deadline of the surrounding call applies as well, whichever is sooner.
  package var timeout: Duration?
  /// How long a call waits for a connection before it fails with UNAVAILABLE. Nothing was sent
  /// until then, so waiting is always safe.
  package var patience: Patience = .upTo(.seconds(2))
  /// Sends messages compressed.
  package var isCompressed = false
  /// Off: an idempotent method is not asked again when a connection broke under it.
  package var retries = true

  package enum Patience: Sendable {
    case upTo(Duration)
    case untilDeadline
  }

  package init(timeout: Duration? = nil) { self.timeout = timeout }
}
