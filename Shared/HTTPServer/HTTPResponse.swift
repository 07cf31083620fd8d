/// A whole answer: its body's length is known and sent as Content-Length.
package struct HTTPResponse: Sendable {
  package var status: Int
  package var headers: HTTPResponseHeaders
  package var body: [UInt8]

  package init(_ status: Int, _ headers: HTTPResponseHeaders = [:], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// A body of JSON.
  package static func json(
    _ status: Int, _ body: [UInt8], _ headers: HTTPResponseHeaders = [:]
  ) -> HTTPResponse {
    var headers = headers
    headers.append("content-type", "application/json")
    return HTTPResponse(status, headers, body: body)
  }
}

/// An answer's header fields in their order.
///
/// Framing is the server's: Content-Length, Transfer-Encoding, Connection and Date are left out
/// when they are given. A name or value that HTTP cannot carry makes the answer a 500.
package struct HTTPResponseHeaders: Sendable, ExpressibleByDictionaryLiteral {
  package private(set) var fields: [(name: String, value: String)] = []

  package init(dictionaryLiteral elements: (String, String)...) {
    fields = elements.map { (name: $0.0, value: $0.1) }
  }

  package init(_ fields: [(name: String, value: String)]) { self.fields = fields }

  /// None, with room for so many.
  package init(room count: Int) { fields.reserveCapacity(count) }

  package mutating func append(_ name: String, _ value: String) { fields.append((name, value)) }

  /// Whether HTTP can carry all of them: no line breaks, no NUL, names of the right letters.
  var areWellFormed: Bool {
    fields.allSatisfy { name, value in
      !name.isEmpty && name.utf8.allSatisfy(\.isToken) && value.utf8.allSatisfy(\.isFieldContent)
    }
  }

  /// The fields without those that are the server's.
  func forEachOwn(_ body: (String, String) -> Void) {
    for (name, value) in fields where !Self.isFraming(name) { body(name, value) }
  }

  private static func isFraming(_ name: String) -> Bool {
    switch name.utf8.count {
    case 4: name.lowercased() == "date"
    case 10: name.lowercased() == "connection"
    case 14: name.lowercased() == "content-length"
    case 17: name.lowercased() == "transfer-encoding"
    default: false
    }
  }
}
