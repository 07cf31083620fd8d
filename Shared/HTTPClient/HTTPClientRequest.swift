/// What is asked of an upstream.
package struct HTTPClientRequest: Sendable {
  package enum Method: String, Hashable, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
  }

  package var method: Method
  /// Path and query as they go over the wire, percent-encoded by the caller; begins with `/`.
  package var target: String
  /// In the order in which they are sent. `Host`, `Content-Length` and what frames a message
  /// are ours.
  package var headers: [HTTPField]
  package var body: HTTPRequestBody
  /// Instead of the upstream's.
  package var timeouts: HTTPTimeouts?
  /// Asks for a compressed answer, which is inflated while it comes.
  package var acceptsCompression: Bool
  /// Instead of `HTTPClientLimits.responseBodyBytesMax`.
  package var responseBodyBytesMax: Int?

  package init(
    _ method: Method, _ target: String, headers: [HTTPField] = [],
    body: HTTPRequestBody = .none
  ) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
    acceptsCompression = false
  }
}

/// One header.
package struct HTTPField: Hashable, Sendable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// The bytes behind a request's head; their number is always known before.
package enum HTTPRequestBody: Sendable {
  case none
  case bytes([UInt8])
  /// Sent one after another, without being joined in memory.
  case segments([[UInt8]])
  /// Asked for bytes while they are sent.
  case source(any HTTPBodySource)
}

/// A body that is made while it is sent.
package protocol HTTPBodySource: Sendable {
  /// All its bytes; giving more or fewer fails the call.
  var byteCount: Int { get }
  /// The next bytes; nil at the end. Called by one task, one call after another, on the loop
  /// unless it belongs to an actor; never again once the call has failed.
  func next() async throws -> [UInt8]?
}
