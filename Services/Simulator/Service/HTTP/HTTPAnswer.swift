/// An answer as it is meant, before anything bends its bytes.
struct HTTPAnswer {
  var status = 200
  var contentType = "application/json"
  var headers: [(name: String, value: String)] = []
  var body: [UInt8] = []

  /// How the body's end is told.
  enum Framing {
    case length(Int)
    case chunks
    case none
  }

  /// The head's bytes; a connection that is not kept says so.
  func head(_ framing: Framing, isKeptAlive: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(512 + body.count)
    bytes.append(contentsOf: "HTTP/1.1 ".utf8)
    bytes.append(contentsOf: String(status).utf8)
    bytes.append(0x20)
    bytes.append(contentsOf: Self.reason(status).utf8)
    if !contentType.isEmpty { Self.append("content-type", contentType, to: &bytes) }
    for header in headers { Self.append(header.name, header.value, to: &bytes) }
    switch framing {
    case .length(let count): Self.append("content-length", String(count), to: &bytes)
    case .chunks: Self.append("transfer-encoding", "chunked", to: &bytes)
    case .none: break
    }
    if !isKeptAlive { Self.append("connection", "close", to: &bytes) }
    bytes.append(contentsOf: "\r\n\r\n".utf8)
    return bytes
  }

  private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: "\r\n".utf8)
    bytes.append(contentsOf: name.utf8)
    bytes.append(contentsOf: ": ".utf8)
    bytes.append(contentsOf: value.utf8)
  }

  /// Head and body at once.
  func bytes(isKeptAlive: Bool) -> [UInt8] {
    var bytes = head(.length(body.count), isKeptAlive: isKeptAlive)
    bytes.append(contentsOf: body)
    return bytes
  }

  /// One chunk of a body in chunks.
  static func chunk(_ bytes: [UInt8]) -> [UInt8] {
    var chunk = Array(String(bytes.count, radix: 16).utf8)
    chunk.reserveCapacity(bytes.count + 12)
    chunk.append(contentsOf: "\r\n".utf8)
    chunk.append(contentsOf: bytes)
    chunk.append(contentsOf: "\r\n".utf8)
    return chunk
  }

  static let lastChunk = Array("0\r\n\r\n".utf8)

  private static func reason(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 302: "Found"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 409: "Conflict"
    case 413: "Payload Too Large"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 529: "Overloaded"
    default: "Status"
    }
  }
}
