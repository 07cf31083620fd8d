import CNGHTTP2

/// Makes nghttp2's handle: options from our limits, callbacks from `SessionCallbacks`.
enum SessionMaker {
  static func make(side: HTTP2Session.Side, limits: HTTP2Limits) throws(HTTP2Error)
    -> OpaquePointer
  {
    var options: OpaquePointer?
    var callbacks: OpaquePointer?
    guard unsafe nghttp2_option_new(&options) == 0, let options = unsafe options,
      unsafe nghttp2_session_callbacks_new(&callbacks) == 0, let callbacks = unsafe callbacks
    else { throw HTTP2Error(code: Int32(NGHTTP2_ERR_NOMEM.rawValue)) }
    defer {
      unsafe nghttp2_option_del(options)
      unsafe nghttp2_session_callbacks_del(callbacks)
    }
    unsafe apply(limits, to: options)
    unsafe SessionCallbacks.install(in: callbacks)

    var handle: OpaquePointer?
    let code =
      switch side {
      case .client: unsafe nghttp2_session_client_new2(&handle, callbacks, nil, options)
      case .server: unsafe nghttp2_session_server_new2(&handle, callbacks, nil, options)
      }
    guard code == 0, let handle = unsafe handle else { throw HTTP2Error(code: code) }
    return unsafe handle
  }

  private static func apply(_ limits: HTTP2Limits, to options: OpaquePointer) {
    // Windows are given back when a reader took the bytes: that is the back-pressure.
    unsafe nghttp2_option_set_no_auto_window_update(options, 1)
    // Closed streams are kept only for priorities, which gRPC does not use.
    unsafe nghttp2_option_set_no_closed_streams(options, 1)
    unsafe nghttp2_option_set_max_outbound_ack(options, limits.outboundAnswersMax)
    unsafe nghttp2_option_set_max_settings(options, limits.settingsEntriesMax)
    unsafe nghttp2_option_set_max_continuations(options, limits.continuationsMax)
    unsafe nghttp2_option_set_max_reserved_remote_streams(options, 0)
    unsafe nghttp2_option_set_peer_max_concurrent_streams(options, 100)
    // Ours is stricter and answers ENHANCE_YOUR_CALM; this one stands behind it.
    unsafe nghttp2_option_set_stream_reset_rate_limit(
      options, UInt64(limits.resetsBurst) * 2, UInt64(limits.resetsPerSecond) * 2)
  }
}
