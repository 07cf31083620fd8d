import CMicroHTTPD

/// A last answer written to the socket past the library, where it cannot answer: before it has
/// the connection, and in the middle of a request.
enum RawAnswer {
  static func bytes(_ response: HTTPResponse) -> [UInt8] {
    let reason = unsafe String(
      cString: MHD_get_reason_phrase_for(UInt32(clamping: response.status)))
    var text = "HTTP/1.1 \(response.status) \(reason)\r\nConnection: close\r\n"
    if response.headers.areWellFormed {
      response.headers.forEachOwn { text += "\($0): \($1)\r\n" }
    }
    text += "Content-Length: \(response.body.count)\r\n\r\n"
    return Array(text.utf8) + response.body
  }

  /// What the kernel does not take at once is lost: these answers are small.
  static func send(_ response: HTTPResponse, to descriptor: Int32) {
    let bytes = bytes(response)
    unsafe bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      _ = unsafe assay_send_now(descriptor, base, bytes.count)
    }
  }
}
