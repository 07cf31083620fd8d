/// Why a call has no answer, or no whole one; branch on `code`, never on text.
package struct HTTPClientError: Error, Hashable, Sendable {
  /// The kind of failure, as far as anybody acts on it.
  package enum Code: Hashable, Sendable {
    /// The request, or the upstream's description, is not one we send; nothing was tried.
    case requestRefused
    /// An address that the upstream's policy does not allow.
    case addressRefused
    /// `HTTPClientLimits.callsMax` calls are under way.
    case tooManyCalls
    /// The resolver has no address for the host.
    case notResolved
    /// Nobody takes the connection.
    case notConnected
    case tls(TLSReason)
    case connectTimeout
    case headTimeout
    case stallTimeout
    case totalTimeout
    /// The connection broke, or the peer reset the stream.
    case reset
    /// The peer ended the connection, or the stream, before its answer was whole.
    case closedEarly
    /// What came is not HTTP: status line, headers, chunks, frames, compression.
    case protocolViolation
    case headTooLarge
    case bodyTooLarge
    /// The body source threw, or gave fewer or more bytes than it had said.
    case sourceFailed
    /// The task was cancelled, or nobody holds the response's body any more.
    case cancelled
    /// A body is read once.
    case bodyAlreadyRead
    /// The client was closed, or its loop stops.
    case closed
    /// libcurl failed in a way that no input should cause; `curlCode` says which.
    case `internal`
  }

  /// Why a certificate was not accepted, or the handshake failed.
  package enum TLSReason: Hashable, Sendable {
    case nameMismatch
    case expired
    case notYetValid
    /// No chain to an authority that we trust; self-signed ones among them.
    case untrusted
    case revoked
    /// Another of OpenSSL's reasons.
    case certificate(Int)
    /// The peer does not speak TLS, or no version or cipher of ours.
    case handshake
    /// The file of authorities cannot be read.
    case authoritiesFile
  }

  package let code: Code
  /// One English line: what was tried, where; never a header's value, a path or a body.
  package let message: String
  /// Whether a byte of the request may have reached the peer: then it may have been acted on, and
  /// charged for.
  package var wasSent = false
  /// Whether a line of an answer came, or something that is no answer.
  package var wasAnswered = false
  /// libcurl's code; 0 when it was not asked.
  package var curlCode: Int32 = 0

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  static func requestRefused(_ why: String) -> HTTPClientError {
    HTTPClientError(.requestRefused, why)
  }
}

extension HTTPClientError: CustomStringConvertible {
  package var description: String {
    let curl = curlCode == 0 ? "" : " (curl \(curlCode))"
    let sent = wasSent ? wasAnswered ? ", after bytes of an answer" : ", after it was sent" : ""
    return message + sent + curl
  }
}
