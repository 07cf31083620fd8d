/// What a session tells the connection that owns it, in the order of the wire.
///
/// Called from inside `HTTP2Session.receive` (and `fillBody`, `streamClosed`, `requestNotSent`
/// also from `appendOutgoing`), so an owner must not destroy the session from here.
package protocol HTTP2SessionOwner: AnyObject {
  /// A whole header block: a request, a response, or trailers.
  func receivedHeaders(
    _ headers: borrowing HeaderBlock, on stream: Int32, kind: HeaderKind, endsStream: Bool)
  /// Bytes of a body, lent for this call.
  func receivedData(_ bytes: RawSpan, on stream: Int32)
  /// The peer will send no more on this stream.
  func receivedEnd(on stream: Int32)
  /// The stream is over on both sides or was reset; nothing follows on it.
  func streamClosed(_ stream: Int32, code: HTTP2ErrorCode)
  /// A request of ours never left: the peer has not seen it.
  func requestNotSent(_ stream: Int32)
  /// The peer's first or a later SETTINGS arrived.
  func receivedSettings()
  func receivedPingAcknowledgement(_ opaque: UInt64)
  func receivedGoAway(lastStream: Int32, code: HTTP2ErrorCode, debug: String)
  /// The next bytes of a body, written into `buffer`.
  func fillBody(of stream: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> BodyFill
}

/// Which of a message's header blocks it is.
package enum HeaderKind: Sendable {
  case request, response, trailers
}

/// What `fillBody` wrote, and what follows.
package enum BodyFill: Sendable {
  /// This many bytes; more may follow.
  case bytes(Int)
  /// Nothing yet; `resumeBody` asks again.
  case notNow
  /// This many bytes, then the stream ends.
  case ends(Int)
  /// This many bytes, then the trailers that were submitted.
  case endsWithTrailers(Int)
  /// The body cannot be finished: reset the stream.
  case fails
}
