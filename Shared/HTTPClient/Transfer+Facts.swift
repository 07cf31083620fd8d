import CCurl
import EventLoop
import Glibc

extension Transfer {
  /// What is known of the exchange when its head has come.
  var facts: HTTPExchangeFacts? {
    guard let handle else { return captured }
    return HTTPExchangeFacts(
      version: handle.long(CURLINFO_HTTP_VERSION) >= Int(CURL_HTTP_VERSION_2_0)
        ? .http2 : .http1,
      isConnectionReused: handle.long(CURLINFO_NUM_CONNECTS) == 0,
      deadConnectionCount: max(0, attemptCount - 1),
      timeToConnection: .nanoseconds(Int64(connectedAt - clock.begunAt)),
      timeToHead: .nanoseconds(Int64(headAt - clock.begunAt)),
      sentByteCount: handle.requestByteCount + outgoing.takenByteCount,
      headByteCount: head.byteCount, peer: peer(handle))
  }

  private func peer(_ handle: EasyHandle) -> SocketAddress {
    if case .unixSocket(let path) = endpoint.upstream.place { return .unix(path: path) }
    return .tcp(
      host: handle.text(CURLINFO_PRIMARY_IP),
      port: UInt16(clamping: handle.long(CURLINFO_PRIMARY_PORT)))
  }

  /// An error of this exchange, with what may have gone out and come back.
  func error(_ code: HTTPClientError.Code, _ what: String) -> HTTPClientError {
    var error = HTTPClientError(code, "\(what): \(endpoint.upstream.origin)")
    guard attemptCount > 0, let handle else { return error }
    error.wasSent = handle.requestByteCount > byteCountAtConnection
    error.wasAnswered = head.byteCount > 0 || code == .protocolViolation
    return error
  }

  /// Whether the kernel has said of the connection that it broke, rather than ended.
  var wasBroken: Bool {
    switch Int32(handle?.long(CURLINFO_OS_ERRNO) ?? 0) {
    case ECONNRESET, ECONNABORTED, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN: true
    default: false
    }
  }

  /// An error from libcurl's code, the kernel's error and the verdict on a certificate.
  func curlError(_ code: CURLcode) -> HTTPClientError {
    var error = describe(code)
    error.curlCode = Int32(code.rawValue)
    return error
  }

  private func describe(_ code: CURLcode) -> HTTPClientError {
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
      return error(.notResolved, "The host has no address")
    case CURLE_COULDNT_CONNECT, CURLE_PROXY:
      return error(.notConnected, "Nobody takes the connection")
    case CURLE_OPERATION_TIMEDOUT:
      return error(.connectTimeout, "No connection in time")
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
      CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED,
      CURLE_SSL_CERTPROBLEM, CURLE_SSL_ENGINE_INITFAILED:
      return error(.tls(tlsReason(code)), "The TLS connection was not accepted")
    case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING:
      return error(.closedEarly, "The connection ended before the answer did")
    case CURLE_SEND_ERROR, CURLE_HTTP2_STREAM:
      return error(.reset, "The exchange was reset")
    // A kept connection ended, and the body that it had taken cannot be given again.
    case CURLE_SEND_FAIL_REWIND:
      return error(
        wasBroken ? .reset : .closedEarly, "A kept connection took the request and ended")
    // Broken chunks have the same code as a broken connection, but no error of the kernel.
    case CURLE_RECV_ERROR where wasBroken:
      return error(.reset, "The connection broke")
    case CURLE_RECV_ERROR where attemptCount == 0:
      return error(.notConnected, "No connection came about")
    case CURLE_RECV_ERROR, CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_HTTP2,
      CURLE_BAD_CONTENT_ENCODING:
      return error(.protocolViolation, "The answer is not HTTP")
    case CURLE_OUT_OF_MEMORY where attemptCount > 0 && !head.isComplete:
      // A line beyond libcurl's own bound, which is above ours.
      return error(.headTooLarge, "A header of more than 100 KiB")
    default:
      return error(.internal, "The exchange failed")
    }
  }

  private func tlsReason(_ code: CURLcode) -> HTTPClientError.TLSReason {
    guard code != CURLE_SSL_CACERT_BADFILE else { return .authoritiesFile }
    guard code == CURLE_PEER_FAILED_VERIFICATION else { return .handshake }
    // OpenSSL's X509_V_ERR numbers. The name is compared by libcurl, before it asks for them: what
    // it then says is still its 1 for a verdict that is missing.
    return switch handle?.long(CURLINFO_SSL_VERIFYRESULT) ?? 0 {
    case 0, 1, 62: .nameMismatch
    case 9: .notYetValid
    case 10: .expired
    case 2, 18, 19, 20, 21: .untrusted
    case 23: .revoked
    case let other: .certificate(other)
    }
  }
}
