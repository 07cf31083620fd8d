// HTTP2: nghttp2's session without any I/O. Bytes of a peer go in, events come out; requests and
// responses go in, bytes for the peer come out. It knows frames, HPACK, flow control and the
// floods that nghttp2 and `ResetBudget` stop; it never knows gRPC, sockets, threads or time.
// Limits: `HTTP2Limits`. A session belongs to one thread.

import CNGHTTP2

/// One side of one HTTP/2 connection.
///
/// Not thread safe: the connection that owns it confines it to its loop.
@safe package final class HTTP2Session {
  package enum Side: Sendable { case client, server }

  package let side: Side
  package let limits: HTTP2Limits
  /// What happens on the session, told to the connection that owns it.
  ///
  /// Unchecked: a session only speaks from inside its own methods, which its owner calls. To count
  /// a reference for each of a call's dozen events costs more than most of them.
  private unowned(unsafe) let ownerReference: any HTTP2SessionOwner
  var owner: any HTTP2SessionOwner { unsafe ownerReference }

  let handle: OpaquePointer
  /// The block that is being received, touched in nghttp2's callbacks alone.
  ///
  /// Memory of its own: each field of each request would pay for a check of overlapping access to a
  /// property.
  let incoming: UnsafeMutablePointer<HeaderBlock>
  var incomingStream: Int32 = 0
  /// When the header block that is not whole yet began, on the owner's clock; nil between blocks.
  package internal(set) var blockBeganAt: UInt64?
  var resets: ResetBudget
  /// The owner's clock at the last `receive`, for `resets`.
  var now: UInt64 = 0
  /// Streams to be reset once the frame that ends our side has left.
  var resetsAfterEnd: Set<Int32> = []
  /// Whether there are any: a plain look for each frame, where the set's would be checked.
  var hasResetsAfterEnd = false
  /// Why the session ended, for the log; the peer gets the GOAWAY.
  package internal(set) var lastError: String?

  package init(side: Side, limits: HTTP2Limits, owner: any HTTP2SessionOwner)
    throws(HTTP2Error)
  {
    self.side = side
    self.limits = limits
    unsafe self.ownerReference = owner
    self.resets = ResetBudget(burst: limits.resetsBurst, perSecond: limits.resetsPerSecond)
    unsafe self.handle = try SessionMaker.make(side: side, limits: limits)
    unsafe incoming = .allocate(capacity: 1)
    unsafe incoming.initialize(to: HeaderBlock())
    unsafe nghttp2_session_set_user_data(handle, Unmanaged.passUnretained(self).toOpaque())
    try submitSettings()
  }

  deinit {
    unsafe nghttp2_session_del(handle)
    unsafe incoming.deinitialize(count: 1)
    unsafe incoming.deallocate()
  }

  private func submitSettings() throws(HTTP2Error) {
    var entries = [
      entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, side == .server ? limits.streamsMax : 0),
      entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindowBytes),
      entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.headerListBytesMax),
    ]
    if side == .client { entries.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0)) }
    try check(unsafe nghttp2_submit_settings(handle, 0, entries, entries.count))
    try check(
      unsafe nghttp2_session_set_local_window_size(
        handle, 0, 0, Int32(limits.connectionWindowBytes)))
  }

  private func entry(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
    nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(value))
  }

  // MARK: Bytes

  /// Feeds what the peer sent; events reach the owner before this returns.
  ///
  /// An error means the connection must be flushed (a GOAWAY may be queued) and closed.
  package func receive(_ bytes: RawSpan, at nanoseconds: UInt64) throws(HTTP2Error) {
    now = nanoseconds
    let result = unsafe bytes.withUnsafeBytes { buffer in
      unsafe nghttp2_session_mem_recv(
        handle, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count)
    }
    if result < 0 { throw HTTP2Error(code: Int32(result), detail: lastError) }
  }

  /// Appends frames that wait to be sent, until there are none or `limit` is passed.
  package func appendOutgoing(to bytes: inout [UInt8], limit: Int) throws(HTTP2Error) {
    while bytes.count < limit {
      var pointer: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(handle, &pointer)
      if count < 0 { throw HTTP2Error(code: Int32(count), detail: lastError) }
      guard count > 0, let start = unsafe pointer else { return }
      unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: count))
    }
  }

  /// False when nothing more will be read or written: the connection can be closed.
  package var isAlive: Bool {
    unsafe nghttp2_session_want_read(handle) != 0 || nghttp2_session_want_write(handle) != 0
  }

  package var wantsToWrite: Bool { unsafe nghttp2_session_want_write(handle) != 0 }

  // MARK: Streams

  /// Opens a stream; past the peer's concurrency limit it waits inside the session.
  package func submitRequest(_ headers: borrowing HeaderBlock, hasBody: Bool) throws(HTTP2Error)
    -> Int32
  {
    var provider = unsafe HTTP2Session.bodyProvider
    let stream = unsafe headers.withFields { fields in
      unsafe withUnsafePointer(to: &provider) { (provider) -> Int32 in
        unsafe nghttp2_submit_request(
          handle, nil, fields.baseAddress, fields.count, hasBody ? provider : nil, nil)
      }
    }
    try check(stream)
    return stream
  }

  /// Answers a request with headers; the body is asked for through `HTTP2SessionOwner.fillBody`.
  package func submitResponse(
    _ headers: borrowing HeaderBlock, on stream: Int32, hasBody: Bool
  ) throws(HTTP2Error) {
    var provider = unsafe HTTP2Session.bodyProvider
    let code = unsafe headers.withFields { fields in
      unsafe withUnsafePointer(to: &provider) { provider in
        unsafe nghttp2_submit_response(
          handle, stream, fields.baseAddress, fields.count, hasBody ? provider : nil)
      }
    }
    try check(code)
  }

  /// Queues trailers; legal from `fillBody` when it answers `.endsWithTrailers`.
  package func submitTrailers(_ headers: borrowing HeaderBlock, on stream: Int32)
    throws(HTTP2Error)
  {
    let code = unsafe headers.withFields { fields in
      unsafe nghttp2_submit_trailer(handle, stream, fields.baseAddress, fields.count)
    }
    try check(code)
  }

  /// Asks again for a body that said `.notNow`; harmless when the stream is gone.
  package func resumeBody(of stream: Int32) {
    _ = unsafe nghttp2_session_resume_data(handle, stream)
  }

  package func reset(_ stream: Int32, _ code: HTTP2ErrorCode) {
    _ = unsafe nghttp2_submit_rst_stream(
      handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code.rawValue)
  }

  /// Resets with NO_ERROR behind our last frame: the answer is whole, the rest is not wanted.
  ///
  /// A reset that is queued at once would overtake the answer: nghttp2 drops the frames of a
  /// stream that is about to close.
  package func resetAfterEnd(_ stream: Int32) {
    resetsAfterEnd.insert(stream)
    hasResetsAfterEnd = true
  }

  /// Whether the stream waited for its reset; it does no more.
  func takeResetAfterEnd(_ stream: Int32) -> Bool {
    guard hasResetsAfterEnd else { return false }
    defer { hasResetsAfterEnd = !resetsAfterEnd.isEmpty }
    return resetsAfterEnd.remove(stream) != nil
  }

  /// Gives the peer room on the connection for bytes we took off it.
  package func creditConnection(_ count: Int) {
    _ = unsafe nghttp2_session_consume_connection(handle, count)
  }

  /// Gives the peer room on one stream for bytes its reader took.
  package func creditStream(_ stream: Int32, _ count: Int) {
    _ = unsafe nghttp2_session_consume_stream(handle, stream, count)
  }

  /// How many streams the peer lets us have open at once.
  package var peerStreamsMax: Int {
    Int(
      unsafe nghttp2_session_get_remote_settings(
        handle, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
  }

  // MARK: The connection

  /// Asks the peer for a sign of life; the answer carries `opaque` back.
  package func ping(_ opaque: UInt64) {
    var payload = opaque
    unsafe withUnsafeBytes(of: &payload) { bytes in
      _ = unsafe nghttp2_submit_ping(
        handle, 0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
  }

  /// First step of a drain: says that no new streams are wanted, refuses none yet.
  package func announceShutdown() { _ = unsafe nghttp2_submit_shutdown_notice(handle) }

  /// Second step: streams above the last one we saw were never processed.
  package func goAway(_ code: HTTP2ErrorCode, debug: StaticString = "") {
    let last = unsafe nghttp2_session_get_last_proc_stream_id(handle)
    _ = unsafe nghttp2_submit_goaway(
      handle, 0, last, code.rawValue, debug.utf8Start, debug.utf8CodeUnitCount)
  }

  /// Ends the session for a reason: GOAWAY now, every stream closes.
  package func terminate(_ code: HTTP2ErrorCode) {
    _ = unsafe nghttp2_session_terminate_session(handle, code.rawValue)
  }

  private func check(_ code: Int32) throws(HTTP2Error) {
    if code < 0 { throw HTTP2Error(code: code, detail: lastError) }
  }
}
