package import JSON

/// The head of a reply, as much of it as failures and limits are read from.
package protocol ReplyHeaders {
  /// The first value of a header, whatever way its name was written.
  func value(of name: StaticString) -> String?
}

extension ProviderFailure {
  /// Reads an error reply; whatever it holds, something comes out.
  package init(
    status: Int, headers: some ReplyHeaders, body: [UInt8], family: ProviderFamily,
    nowMilliseconds: Int64
  ) {
    let error = (try? JSONValue(parsing: body)).map { ErrorObject(reply: $0) } ?? ErrorObject()
    let retryAfter = RetryAfter.read(headers, nowMilliseconds: nowMilliseconds)
    let requestID =
      headers.value(of: "request-id") ?? headers.value(of: "x-request-id") ?? error.requestID
    let sighting = FailureTable.Sighting(
      family: family, status: status, words: error.words, hasRetryAfter: retryAfter != nil,
      message: error.message)
    self.init(
      FailureTable.cause(of: sighting), status: status, type: error.words.first ?? "",
      message: error.message.cut(toBytes: ProviderLimits.messageBytesMax),
      retryAfter: retryAfter, requestID: requestID.cut(toBytes: ProviderLimits.nameBytesMax))
  }

  /// Reads an error that came within a stream.
  package init(event: JSONValue, family: ProviderFamily) {
    let error = ErrorObject(reply: event)
    let sighting = FailureTable.Sighting(
      family: family, status: nil, words: error.words, hasRetryAfter: false,
      message: error.message)
    self.init(
      FailureTable.cause(of: sighting), type: error.words.first ?? "",
      message: error.message.cut(toBytes: ProviderLimits.messageBytesMax),
      requestID: error.requestID.cut(toBytes: ProviderLimits.nameBytesMax))
  }
}

/// The error of a reply, in the shapes in which providers write it.
private struct ErrorObject {
  var words: [String] = []
  var message = ""
  var requestID = ""

  init() {}

  init(reply: JSONValue) {
    // `response.failed` holds its error within the response.
    let error = reply["error"] ?? reply["response"]?["error"] ?? reply
    words =
      [error["type"], error["code"], error["details"]?["error_code"]]
      .compactMap { $0?.stringValue }.filter { !$0.isEmpty && $0 != "error" }
    message = error["message"]?.stringValue ?? error.stringValue ?? ""
    requestID = reply["request_id"]?.stringValue ?? ""
  }
}

extension String {
  /// The longest beginning within a count of bytes that ends between two characters.
  package func cut(toBytes limit: Int) -> String {
    guard utf8.count > limit else { return self }
    var end = utf8.index(utf8.startIndex, offsetBy: limit)
    while String.Index(end, within: self) == nil { end = utf8.index(before: end) }
    return String(self[..<end])
  }
}
