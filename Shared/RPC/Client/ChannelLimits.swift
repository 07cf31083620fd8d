package import HTTP2

/// Bounds on what one channel may hold, and its patience with peers.
package struct ChannelLimits: Sendable {
  package var http2 = HTTP2Limits()
  /// Replicas of a `unix-dir:` or `dns:` address that are connected to.
  package var replicasMax = 64
  /// Calls that may wait for a connection; one more is refused with RESOURCE_EXHAUSTED.
  package var waitingCallsMax = 10_000
  package var streamUnsentBytesMax = 256 << 10
  package var connectTimeout = Duration.seconds(20)
  /// From connect to the server's SETTINGS.
  package var handshakeTimeout = Duration.seconds(10)
  /// While calls run and nothing is heard, the server is asked for a sign of life this often …
  package var keepaliveInterval = Duration.seconds(20)
  /// … and given up when it gives none within this.
  package var keepaliveTimeout = Duration.seconds(10)
  /// Attempts of one call, the first included.
  package var attemptsMax = 5
  /// How often a call that never reached a server may be moved to another connection.
  package var movesMax = 16

  package init() {}
}
