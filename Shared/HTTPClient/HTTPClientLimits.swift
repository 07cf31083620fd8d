/// Bounds of one client, over all its endpoints.
package struct HTTPClientLimits: Sendable {
  /// Calls under way; the next one is refused.
  package var callsMax = 4096
  /// Connections open, idle ones included; when all are busy, calls wait for one within their
  /// connect timeout.
  package var connectionsMax = 512
  /// The same for one host and port.
  package var connectionsPerHostMax = 256
  /// A connection that was idle for longer is not used again.
  package var connectionIdleMax = Duration.seconds(50)
  /// Configured handles that one endpoint keeps for its next calls.
  package var idleHandlesMax = 64
  /// Names and values of a request's headers, and their number.
  package var requestHeadBytesMax = 64 << 10
  package var requestHeadersMax = 128
  /// A response's status line and headers.
  package var responseHeadBytesMax = 64 << 10
  /// A response's body, inflated if it was compressed; a request may ask for another bound.
  package var responseBodyBytesMax = 256 << 20
  /// What is kept of a body for a slow reader before the peer is made to wait; what one read
  /// brings comes on top: 32 KiB, or 8 KiB before inflating.
  package var bufferedBytesMax = 256 << 10
  /// Chunks of a body source that are made ahead of the socket.
  package var chunksAheadMax = 2

  package init() {}
}

/// How long each part of a call may take; what passes first ends the call with its own error.
package struct HTTPTimeouts: Hashable, Sendable {
  /// Until a connection is ready: resolving, a free place in the pool, TCP and TLS.
  package var connect: Duration
  /// From the last byte of the request, or from the connection when it has no body, until the
  /// response's head is complete.
  package var head: Duration
  /// Without a byte of the request's body taken, or of the response's body received. Time in
  /// which our own reader has not asked for more does not count.
  package var stall: Duration
  /// From `send` to the last byte of the response, whoever is waited for.
  package var total: Duration?

  package init(
    connect: Duration = .seconds(10), head: Duration = .seconds(600),
    stall: Duration = .seconds(60), total: Duration? = nil
  ) {
    self.connect = connect
    self.head = head
    self.stall = stall
    self.total = total
  }
}

extension Duration {
  /// For deadlines: nothing below zero, at most about a century.
  var nanosecondsForDeadline: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    guard seconds < 3_000_000_000 else { return 3_000_000_000_000_000_000 }
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000
  }

  /// For libcurl: at least one, at most what its `long` holds.
  var millisecondsForCurl: Int {
    max(1, Int(min(nanosecondsForDeadline / 1_000_000, UInt64(Int32.max))))
  }
}
