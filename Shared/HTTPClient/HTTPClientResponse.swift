package import EventLoop

/// An upstream's answer: its head, and its body to be read.
package struct HTTPClientResponse: Sendable {
  /// 200 and above, or 101; never a 1xx that another head follows.
  package let status: Int
  package let headers: HTTPHeaders
  package let body: HTTPResponseBody
  package let facts: HTTPExchangeFacts
}

/// What telemetry wants to know of one exchange, as it was when the head had come.
package struct HTTPExchangeFacts: Hashable, Sendable {
  /// How both sides speak.
  package enum Version: String, Hashable, Sendable {
    case http1 = "1.1"
    case http2 = "2"
  }

  package var version: Version
  /// Whether the connection had been used before.
  package var isConnectionReused: Bool
  /// Kept connections that turned out to be dead before they took a byte of the request.
  package var deadConnectionCount: Int
  /// From `send` until the connection was ready.
  package var timeToConnection: Duration
  /// From `send` until the head was complete.
  package var timeToHead: Duration
  /// Head and body of the request.
  package var sentByteCount: Int
  /// The head of the response; `HTTPResponseBody.receivedByteCount` counts the rest.
  package var headByteCount: Int
  package var peer: SocketAddress
}
