import CNGHTTP2

/// A session cannot go on, or refused what was asked of it.
package struct HTTP2Error: Error, Equatable, Sendable, CustomStringConvertible {
  /// nghttp2's number, negative.
  package let code: Int32
  /// What nghttp2 said while it failed; for the log.
  package let detail: String?

  package init(code: Int32, detail: String? = nil) {
    self.code = code
    self.detail = detail
  }

  package var description: String {
    let name = unsafe String(cString: nghttp2_strerror(code))
    return detail.map { "\(name): \($0)" } ?? name
  }

  /// The peer answered or asked so often that its unread answers passed a limit.
  package var isFlood: Bool { code == NGHTTP2_ERR_FLOODED.rawValue }
}

/// HTTP/2's own error codes (RFC 9113 §7); unknown ones are kept.
package struct HTTP2ErrorCode: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let noError = HTTP2ErrorCode(rawValue: 0)
  package static let protocolError = HTTP2ErrorCode(rawValue: 1)
  package static let internalError = HTTP2ErrorCode(rawValue: 2)
  package static let flowControlError = HTTP2ErrorCode(rawValue: 3)
  package static let refusedStream = HTTP2ErrorCode(rawValue: 7)
  package static let cancel = HTTP2ErrorCode(rawValue: 8)
  package static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 11)
  package static let inadequateSecurity = HTTP2ErrorCode(rawValue: 12)
}
