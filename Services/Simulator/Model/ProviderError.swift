package import JSON

/// A refusal as a provider words it.
package struct ProviderError: Error, Sendable, Equatable {
  package var status: Int
  /// `invalid_request_error`, `rate_limit_error`, …
  package var type: String
  package var message: String
  /// OpenAI's name of the field at fault, and its code.
  package var param: String?
  package var code: String?
  /// Anthropic's `details.error_code`.
  package var detail: String?

  package init(
    _ status: Int, _ type: String, _ message: String, param: String? = nil, code: String? = nil,
    detail: String? = nil
  ) {
    self.status = status
    self.type = type
    self.message = message
    self.param = param
    self.code = code
    self.detail = detail
  }

  static func invalid(_ message: String) -> ProviderError {
    ProviderError(400, "invalid_request_error", message)
  }

  static func invalid(_ param: String, _ message: String, code: String? = nil) -> ProviderError {
    ProviderError(400, "invalid_request_error", message, param: param, code: code)
  }

  /// The body in the shape of a dialect.
  package func body(_ dialect: Dialect, requestID: String) -> [UInt8] {
    var writer = JSONWriter()
    write(dialect, requestID: requestID, to: &writer)
    return writer.bytes
  }

  func write(_ dialect: Dialect, requestID: String, to writer: inout JSONWriter) {
    writer.beginObject()
    if dialect.isAnthropic {
      writer.field("type", "error")
      writer.key("error")
      writer.beginObject()
      writer.field("type", type)
      writer.field("message", message)
      if let detail {
        writer.key("details")
        writer.beginObject()
        writer.field("error_code", detail)
        writer.endObject()
      }
      writer.endObject()
      writer.field("request_id", requestID)
    } else {
      writer.key("error")
      writer.beginObject()
      writer.field("message", message)
      writer.field("type", type)
      writer.field("param", param)
      writer.field("code", code)
      writer.endObject()
    }
    writer.endObject()
  }
}

extension JSONWriter {
  /// A member that is a text, or null.
  package mutating func field(_ key: String, _ text: String?) {
    self.key(key)
    if let text { string(text) } else { null() }
  }

  package mutating func field(_ key: String, _ number: Int) {
    self.key(key)
    int(number)
  }
}
