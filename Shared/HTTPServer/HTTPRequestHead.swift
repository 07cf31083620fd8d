/// A request without its body: what routes decide on.
///
/// It keeps the bytes as they came and decodes what it is asked for. Cheap to copy.
package struct HTTPRequestHead: Sendable {
  /// One allocation for all copies.
  private final class Content: Sendable {
    let method: HTTPMethod
    let bytes: [UInt8]
    let targetCount: Int
    let peer: HTTPPeer
    let contentLength: Int?
    let isChunked: Bool

    init(
      _ bytes: [UInt8], _ targetCount: Int, _ method: HTTPMethod, _ peer: HTTPPeer,
      _ body: BodyFraming
    ) {
      self.bytes = bytes
      self.targetCount = targetCount
      self.method = method
      self.peer = peer
      contentLength = body.length
      isChunked = body.isChunked
    }
  }

  /// How long the body is said to be.
  struct BodyFraming {
    var length: Int?
    var isChunked = false
  }

  private let content: Content

  /// `bytes`: the target, then for each field its name, NUL, value, NUL, NUL: all checked.
  init(
    checked bytes: [UInt8], targetCount: Int, method: HTTPMethod, peer: HTTPPeer,
    body: BodyFraming
  ) {
    content = Content(bytes, targetCount, method, peer, body)
  }

  package var method: HTTPMethod { content.method }
  package var peer: HTTPPeer { content.peer }
  /// What Content-Length says; nil without one.
  package var contentLength: Int? { content.contentLength }
  /// Whether the body comes in chunks of HTTP, its length unknown before its end.
  package var isChunked: Bool { content.isChunked }
  package var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }

  package var headers: HTTPRequestHeaders {
    HTTPRequestHeaders(bytes: content.bytes, start: content.targetCount)
  }

  /// The target as the client wrote it.
  package var target: String {
    String(decoding: content.bytes[..<content.targetCount], as: UTF8.self)
  }

  /// The target's path with its escapes decoded, except that of the slash: `%2F` stays, so that
  /// it parts nothing. Well-formed, because heads with other escapes are refused.
  package var path: String {
    let (path, _) = targetParts
    guard path.contains(UInt8(ascii: "%")) else { return String(decoding: path, as: UTF8.self) }
    return String(decoding: PercentCoding.decoded(path, keepingSlash: true), as: UTF8.self)
  }

  /// The items of the query in their order, decoded; one without `=` has an empty value.
  package var queryItems: [(name: String, value: String)] {
    guard let query = targetParts.query else { return [] }
    return query.split(separator: UInt8(ascii: "&")).map { item in
      let parts = item.split(
        separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      let value = parts.count > 1 ? parts[1] : []
      return (PercentCoding.formText(parts[0]), PercentCoding.formText(value))
    }
  }

  /// The value of the first query item of this name.
  package func queryValue(_ name: String) -> String? {
    queryItems.first { $0.name == name }?.value
  }

  private var targetParts: (path: ArraySlice<UInt8>, query: ArraySlice<UInt8>?) {
    var rest = content.bytes[..<content.targetCount]
    if rest.first != UInt8(ascii: "/"), let origin = Self.origin(of: rest) { rest = origin }
    guard let mark = rest.firstIndex(of: UInt8(ascii: "?")) else { return (rest, nil) }
    return (rest[..<mark], rest[(mark + 1)...])
  }

  /// The part of `http://host/path` behind the host; nil for other forms, such as `*`.
  private static func origin(of target: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let scheme = target.firstIndex(of: UInt8(ascii: ":")),
      target[scheme...].starts(with: "://".utf8)
    else { return nil }
    let host = target[(scheme + 3)...]
    guard let slash = host.firstIndex(of: UInt8(ascii: "/")) else { return [UInt8(ascii: "/")] }
    return host[slash...]
  }
}
