/// What becomes of a request, decided on its head before any of its body is read.
package enum HTTPRoute: Sendable {
  /// Answers at once and reads no body.
  case refuse(HTTPResponse)
  /// Collects the body, up to the limit, then calls.
  case handle(bodyBytesMax: Int, HTTPHandler)
  /// Calls at once; the body comes in chunks, up to the limit in all.
  case receive(bodyBytesMax: Int, HTTPChunkHandler)
}

/// Answers one request through its responder. It runs on the server's loop; it is not cancelled
/// when the client leaves, unless it asks for that (`HTTPResponder.cancelWhenGone`), and may go on
/// after it has answered. Throwing before an answer, or returning without one, answers 500.
package typealias HTTPHandler =
  @Sendable (_ head: HTTPRequestHead, _ body: [UInt8], _ responder: HTTPResponder) async throws
  -> Void

/// The same for a body that comes in chunks.
package typealias HTTPChunkHandler =
  @Sendable (_ head: HTTPRequestHead, _ body: HTTPBodyChunks, _ responder: HTTPResponder)
  async throws -> Void

/// Why the server itself answers, without a handler's word.
package enum HTTPRefusal: String, Error, Hashable, Sendable, CaseIterable {
  /// What came is not HTTP as we take it: bad fields, framing or escapes.
  case malformed
  /// `headBytesMax` or `headerCountMax`.
  case headTooLarge
  case targetTooLong
  /// The route's `bodyBytesMax`.
  case bodyTooLarge
  /// A transfer coding other than chunked.
  case codingUnknown
  /// The head or the body did not come in time.
  case requestTimeout
  /// `connectionsMax` or `connectionsPerPeerMax`.
  case tooManyConnections
  /// `requestsMax` or `heldBodyBytesMax`.
  case overloaded
  /// A handler threw, did not answer, or answered what HTTP cannot carry.
  case handlerFailed

  package var status: Int {
    switch self {
    case .malformed: 400
    case .headTooLarge: 431
    case .targetTooLong: 414
    case .bodyTooLarge: 413
    case .codingUnknown: 501
    case .requestTimeout: 408
    case .tooManyConnections, .overloaded: 503
    case .handlerFailed: 500
    }
  }

  /// One English line without anything of the request in it.
  package var message: String {
    switch self {
    case .malformed: "The request is malformed."
    case .headTooLarge: "The header fields are too large."
    case .targetTooLong: "The request target is too long."
    case .bodyTooLarge: "The request body is too large."
    case .codingUnknown: "Only the chunked transfer coding is known."
    case .requestTimeout: "The request did not arrive in time."
    case .tooManyConnections: "Too many connections."
    case .overloaded: "The server has too much to do; try again."
    case .handlerFailed: "The request could not be answered."
    }
  }

  /// The body for doors without an error shape of their own.
  package var plainResponse: HTTPResponse {
    .json(status, Array("{\"error\":\"\(message)\"}".utf8))
  }
}

/// What ends a stream or a body before its time; branch on it, never on text.
package enum HTTPConnectionError: Error, Hashable, Sendable {
  /// The client closed the connection, or was dropped for taking or sending nothing.
  case clientGone
  /// The stream was finished, or another answer was given before.
  case alreadyAnswered
  /// The body is longer than the route's limit.
  case bodyTooLarge
  /// Two tasks read one body.
  case secondReader
  /// The task was cancelled while it waited.
  case cancelled
}

/// Something the server did to protect itself, or could not tell its client; for the log.
package struct HTTPServerEvent: Sendable {
  package enum Kind: Sendable {
    case refused(HTTPRefusal)
    /// A handler threw; the text says what.
    case handlerFailed(String)
    /// A client that took nothing for `stalledWriteTimeout` was dropped.
    case stalledClient
    /// The listener could not take a newcomer.
    case notAccepted
  }
  package let kind: Kind
  package let peer: HTTPPeer?
}
