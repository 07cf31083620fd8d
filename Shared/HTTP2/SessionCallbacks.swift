import CNGHTTP2

/// nghttp2's callbacks, each translated into one call of the session's owner.
///
/// None may throw, trap or free the session; a negative answer ends the connection.
enum SessionCallbacks {
  static func install(in callbacks: OpaquePointer) {
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders)
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader)
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame)
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData)
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onStreamClose)
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, onFrameSent)
    unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, onFrameNotSent)
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, onInvalidFrame)
    unsafe nghttp2_session_callbacks_set_error_callback2(callbacks, onError)
  }
}

private func session(_ userData: UnsafeMutableRawPointer?) -> HTTP2Session? {
  unsafe userData.map { unsafe Unmanaged<HTTP2Session>.fromOpaque($0).takeUnretainedValue() }
}

private typealias Frame = UnsafePointer<nghttp2_frame>
private typealias Bytes = UnsafePointer<UInt8>

private let onBeginHeaders:
  @convention(c) (OpaquePointer?, Frame?, UnsafeMutableRawPointer?) -> Int32 = {
    _, frame, userData in
    guard let session = unsafe session(userData), let frame = unsafe frame else { return 0 }
    unsafe session.incoming.pointee.clear()
    session.incomingStream = unsafe assay_h2_frame_stream(frame)
    session.blockBeganAt = session.now
    return 0
  }

private let onHeader:
  @convention(c) (
    OpaquePointer?, Frame?, Bytes?, Int, Bytes?, Int, UInt8, UnsafeMutableRawPointer?
  ) -> Int32 = { _, _, name, nameCount, value, valueCount, _, userData in
    guard let userData = unsafe userData else { return 0 }
    // The most frequent of all: the session's reference is not counted for it.
    unsafe Unmanaged<HTTP2Session>.fromOpaque(userData)._withUnsafeGuaranteedRef { session in
      unsafe session.incoming.pointee.take(
        UnsafeRawBufferPointer(start: name, count: nameCount),
        UnsafeRawBufferPointer(start: value, count: valueCount), session.limits)
    }
    return 0
  }

private let onFrame: @convention(c) (OpaquePointer?, Frame?, UnsafeMutableRawPointer?) -> Int32 = {
  _, frame, userData in
  guard let session = unsafe session(userData), let frame = unsafe frame else { return 0 }
  return unsafe session.receivedFrame(frame)
}

private let onData:
  @convention(c) (OpaquePointer?, UInt8, Int32, Bytes?, Int, UnsafeMutableRawPointer?) -> Int32 = {
    _, _, stream, data, count, userData in
    guard let session = unsafe session(userData) else { return 0 }
    let bytes = unsafe UnsafeRawBufferPointer(start: data, count: count)
    session.owner.receivedData(unsafe bytes.bytes, on: stream)
    return 0
  }

private let onStreamClose:
  @convention(c) (OpaquePointer?, Int32, UInt32, UnsafeMutableRawPointer?) -> Int32 = {
    _, stream, code, userData in
    guard let session = unsafe session(userData) else { return 0 }
    if session.blockBeganAt != nil, session.incomingStream == stream { session.blockBeganAt = nil }
    _ = session.takeResetAfterEnd(stream)
    session.owner.streamClosed(stream, code: HTTP2ErrorCode(rawValue: code))
    return 0
  }

/// A frame that nghttp2 answers with a reset: the peer made us do it (MadeYouReset).
private let onInvalidFrame:
  @convention(c) (OpaquePointer?, Frame?, Int32, UnsafeMutableRawPointer?) -> Int32 = {
    _, _, _, userData in
    guard let session = unsafe session(userData) else { return 0 }
    // A block that is refused never becomes whole.
    session.blockBeganAt = nil
    session.countReset()
    return 0
  }

private let onFrameSent:
  @convention(c) (OpaquePointer?, Frame?, UnsafeMutableRawPointer?) -> Int32 = {
    _, frame, userData in
    guard let session = unsafe session(userData), session.hasResetsAfterEnd,
      let frame = unsafe frame
    else { return 0 }
    let flags = UInt32(unsafe assay_h2_frame_flags(frame))
    let stream = unsafe assay_h2_frame_stream(frame)
    if flags & NGHTTP2_FLAG_END_STREAM.rawValue != 0,
      session.takeResetAfterEnd(stream)
    {
      session.reset(stream, .noError)
    }
    return 0
  }

private let onFrameNotSent:
  @convention(c) (OpaquePointer?, Frame?, Int32, UnsafeMutableRawPointer?) -> Int32 = {
    _, frame, _, userData in
    guard let session = unsafe session(userData), let frame = unsafe frame else { return 0 }
    if unsafe assay_h2_frame_type(frame) == NGHTTP2_HEADERS.rawValue,
      unsafe assay_h2_headers_category(frame) == NGHTTP2_HCAT_REQUEST.rawValue
    {
      session.owner.requestNotSent(unsafe assay_h2_frame_stream(frame))
    }
    return 0
  }

private let onError:
  @convention(c) (
    OpaquePointer?, Int32, UnsafePointer<CChar>?, Int, UnsafeMutableRawPointer?
  ) -> Int32 = { _, _, message, count, userData in
    guard let session = unsafe session(userData), let message = unsafe message else { return 0 }
    let bytes = unsafe UnsafeRawBufferPointer(start: message, count: min(count, 200))
    // What stands behind the colon is the peer's own bytes: header names, values, secrets.
    let own = unsafe bytes.prefix { $0 != UInt8(ascii: ":") }
    session.lastError = unsafe String(decoding: own, as: UTF8.self)
    return 0
  }

/// Where nghttp2 asks for the next bytes of any body of ours.
private let onBody:
  @convention(c) (
    OpaquePointer?, Int32, UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<UInt32>?,
    UnsafeMutablePointer<nghttp2_data_source>?, UnsafeMutableRawPointer?
  ) -> Int = { _, stream, buffer, length, flags, _, userData in
    guard let session = unsafe session(userData), let flags = unsafe flags else {
      return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
    }
    let room = unsafe UnsafeMutableRawBufferPointer(start: buffer, count: length)
    switch unsafe session.owner.fillBody(of: stream, room) {
    case .bytes(let count):
      return count
    case .notNow:
      return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    case .ends(let count):
      unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
      return count
    case .endsWithTrailers(let count):
      unsafe flags.pointee |=
        NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
      return count
    case .fails:
      return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
    }
  }

extension HTTP2Session {
  static var bodyProvider: nghttp2_data_provider {
    unsafe nghttp2_data_provider(source: nghttp2_data_source(), read_callback: onBody)
  }

  func receivedFrame(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
    let flags = UInt32(unsafe assay_h2_frame_flags(frame))
    let stream = unsafe assay_h2_frame_stream(frame)
    switch UInt32(unsafe assay_h2_frame_type(frame)) {
    case NGHTTP2_HEADERS.rawValue:
      blockBeganAt = nil
      let ends = flags & NGHTTP2_FLAG_END_STREAM.rawValue != 0
      let kind: HeaderKind =
        switch UInt32(unsafe assay_h2_headers_category(frame)) {
        case NGHTTP2_HCAT_REQUEST.rawValue: .request
        case NGHTTP2_HCAT_RESPONSE.rawValue: .response
        default: .trailers
        }
      owner.receivedHeaders(unsafe incoming.pointee, on: stream, kind: kind, endsStream: ends)
      if ends { owner.receivedEnd(on: stream) }
    case NGHTTP2_DATA.rawValue:
      if flags & NGHTTP2_FLAG_END_STREAM.rawValue != 0 { owner.receivedEnd(on: stream) }
    case NGHTTP2_SETTINGS.rawValue where flags & NGHTTP2_FLAG_ACK.rawValue == 0:
      owner.receivedSettings()
    case NGHTTP2_RST_STREAM.rawValue:
      countReset()
    case NGHTTP2_PING.rawValue where flags & NGHTTP2_FLAG_ACK.rawValue != 0:
      let opaque = unsafe UnsafeRawPointer(assay_h2_ping_opaque(frame))
      owner.receivedPingAcknowledgement(unsafe opaque.loadUnaligned(as: UInt64.self))
    case NGHTTP2_GOAWAY.rawValue:
      unsafe receivedGoAway(frame)
    default:
      break
    }
    return 0
  }

  private func receivedGoAway(_ frame: UnsafePointer<nghttp2_frame>) {
    let debug = unsafe UnsafeRawBufferPointer(
      start: assay_h2_goaway_debug(frame), count: min(assay_h2_goaway_debug_length(frame), 200))
    owner.receivedGoAway(
      lastStream: unsafe assay_h2_goaway_last_stream(frame),
      code: HTTP2ErrorCode(rawValue: unsafe assay_h2_goaway_code(frame)),
      debug: unsafe String(decoding: debug, as: UTF8.self))
  }

  /// Counts a stream that the peer aborted; past its budget the connection ends.
  func countReset() {
    guard side == .server, !resets.take(at: now) else { return }
    lastError = "resets: more than \(limits.resetsBurst) aborted streams at once"
    terminate(.enhanceYourCalm)
  }
}
