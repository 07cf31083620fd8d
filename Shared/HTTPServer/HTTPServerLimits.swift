/// Bounds on what peers may make one HTTP server hold, and for how long.
package struct HTTPServerLimits: Sendable {
  /// Bytes of one request's target and header fields.
  package var headBytesMax = 6 << 10
  package var headerCountMax = 64
  package var targetBytesMax = 4 << 10
  /// Bytes of request bodies that are collected or in their handlers' hands, over all requests.
  package var heldBodyBytesMax = 256 << 20
  /// A body from this size on waits for room before it is read, and leaves some to smaller ones.
  package var largeBodyBytesMin = 1 << 20
  /// Large bodies that wait, and for how long; behind that they are refused with 503.
  package var largeBodiesWaitingMax = 1_024
  package var largeBodyPatience = Duration.seconds(60)
  /// Bytes of a streamed body that wait for its handler before the client is made to wait.
  package var bodyQueueBytesMax = 64 << 10
  package var connectionsMax = 16_384
  /// For each TCP address; Unix sockets have no address, and their mode says who may come.
  package var connectionsPerPeerMax = 1_024
  /// Of all requests in work; those that come on top are refused with 503.
  package var requestsMax = 16_384

  /// From accept, or from the first byte of a further request, to the end of its header fields.
  package var headerTimeout = Duration.seconds(10)
  /// A body must be whole after this; each `bodyBytesPerSecondMin` bytes win another second.
  package var bodyTimeout = Duration.seconds(30)
  package var bodyBytesPerSecondMin = 16 << 10
  /// A kept connection without a request is closed after this.
  package var idleTimeout = Duration.seconds(75)
  /// A client that takes none of the bytes that wait for it is dropped after this.
  package var stalledWriteTimeout = Duration.seconds(30)

  /// Bytes of one stream that the client has not taken, before `write` waits.
  package var streamBufferBytesMax = 64 << 10
  /// After an answer that came before the body's end, the rest is read and dropped, so that the
  /// client hears the answer and not a reset: for this long and no more than these bytes.
  package var lingerTimeout = Duration.seconds(5)
  package var lingerBytesMax = 64 << 20
  package var lingeringMax = 256
  /// How long a drain waits for running requests before it cuts them.
  package var drainTimeout = Duration.seconds(4)

  package init() {}

  /// What the library may use for one connection: the head, its table of fields, and the head of
  /// the answer. All of it is resident once a connection has been used twice, so this is most of
  /// what an idle stream costs: 16 KiB with all the rest. An answer's head for which the request's
  /// leaves no room closes the connection.
  var connectionMemoryBytes: Int { max(4 << 10, headBytesMax) + (4 << 10) }
}
