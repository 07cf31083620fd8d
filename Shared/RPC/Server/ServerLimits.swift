package import HTTP2

/// Bounds on what peers may make one server hold, and for how long.
package struct ServerLimits: Sendable {
  package var http2: HTTP2Limits = {
    var limits = HTTP2Limits()
    // A first window for each of 1024 streams is what a connection may hold of requests.
    limits.streamWindowBytes = 64 << 10
    return limits
  }()
  package var connectionsMax = 4096
  /// Bytes of unfinished requests on one connection; above it the stream that adds more is refused.
  package var connectionHeldBytesMax = 128 << 20
  /// Above it, only `largeRequestsMax` requests get room to grow; the others wait their turn.
  package var connectionHeldBytesSoft = 16 << 20
  package var largeRequestsMax = 32
  /// Bytes that may wait in one stream before `send` waits for the peer.
  package var streamUnsentBytesMax = 256 << 10
  /// Bytes of answers that one connection has not taken yet; above it no new call is started.
  package var connectionUnsentBytesMax = 16 << 20
  /// Calls of one connection that start in one turn of the loop: what they answer is counted
  /// before the next ones start.
  package var startsPerTurnMax = 32
  /// From accept to the client's SETTINGS.
  package var handshakeTimeout = Duration.seconds(10)
  /// From the beginning of a header block to its end, however its bytes trickle.
  package var headerTimeout = Duration.seconds(10)
  /// A unary request that has begun and is not whole must go on arriving: the longest pause.
  package var requestTimeout = Duration.seconds(30)
  /// A peer that takes none of the bytes waiting for it for this long is dropped.
  package var writeStallTimeout = Duration.seconds(30)
  /// A connection without calls is asked for a sign of life this often …
  package var keepaliveInterval = Duration.seconds(60)
  /// … and dropped when it gives none within this.
  package var keepaliveTimeout = Duration.seconds(20)
  /// Between "no new calls, please" and the last word of a drain.
  package var drainNotice = Duration.milliseconds(50)
  /// How long a drain waits for running calls before it cancels them.
  package var drainTimeout = Duration.seconds(4)

  package init() {}
}
