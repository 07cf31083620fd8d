/// What may go into a request's head: anything else is refused before it could be sent.
enum RequestCheck {
  static let targetBytesMax = 8 << 10

  static func check(
    _ request: HTTPClientRequest, _ limits: HTTPClientLimits
  ) throws(HTTPClientError) {
    try check(target: request.target)
    guard request.headers.count <= limits.requestHeadersMax else {
      throw .requestRefused("More than \(limits.requestHeadersMax) headers")
    }
    var byteCount = 0
    for field in request.headers {
      byteCount += field.name.utf8.count + field.value.utf8.count + 4
      guard isName(field.name) else { throw .requestRefused("A header's name is not a token") }
      guard isValue(field.value) else {
        throw .requestRefused("The value of the header \(field.name) has a control character")
      }
      guard !isOurs(field.name) else {
        throw .requestRefused("The header \(field.name) frames a message: it is not the caller's")
      }
    }
    guard byteCount <= limits.requestHeadBytesMax else {
      throw .requestRefused("Headers of more than \(limits.requestHeadBytesMax) bytes")
    }
    switch (request.method, request.body) {
    case (_, .none): break
    case (.get, _), (.head, _): throw .requestRefused("A GET or HEAD with a body")
    case (_, .source(let source)) where source.byteCount < 0:
      throw .requestRefused("A body of less than no bytes")
    default: break
    }
  }

  private static func check(target: String) throws(HTTPClientError) {
    guard target.utf8.first == UInt8(ascii: "/"), target.utf8.count <= targetBytesMax else {
      throw .requestRefused("A target begins with / and has at most \(targetBytesMax) bytes")
    }
    let isClean = target.utf8.allSatisfy {
      (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\")
    }
    guard isClean else {
      throw .requestRefused("A target holds visible ASCII without # and \\, percent-encoded")
    }
  }

  /// RFC 9110's token characters, one bit each from 0 to 127.
  private static let tokenBits: (UInt64, UInt64) = {
    var bits: (UInt64, UInt64) = (0, 0)
    for byte in "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8
    {
      if byte < 64 { bits.0 |= 1 << UInt64(byte) } else { bits.1 |= 1 << UInt64(byte - 64) }
    }
    return bits
  }()

  private static func isName(_ name: String) -> Bool {
    let (low, high) = tokenBits
    return !name.utf8.isEmpty
      && name.utf8.allSatisfy {
        $0 < 128 && ($0 < 64 ? low >> UInt64($0) : high >> UInt64($0 - 64)) & 1 == 1
      }
  }

  /// Tab, visible bytes and everything above ASCII: no CR, LF or NUL.
  private static func isValue(_ value: String) -> Bool {
    value.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
  }

  private static let own: [StaticString] = [
    "host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te",
    "trailer", "keep-alive", "proxy-connection", "proxy-authorization", "accept-encoding",
  ]

  private static func isOurs(_ name: String) -> Bool {
    own.contains { name.equalsIgnoringCase($0) }
  }
}

extension String {
  /// `other` is in lower case.
  func equalsIgnoringCase(_ other: StaticString) -> Bool {
    guard utf8.count == other.utf8CodeUnitCount else { return false }
    let bytes = unsafe UnsafeBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount)
    return unsafe zip(utf8, bytes).allSatisfy { byte, wanted in
      ((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) == wanted
    }
  }
}
