import JSON

/// How many tokens things are, by a law simple enough to check by hand:
/// - text: ⌈UTF-8 bytes / 4⌉
/// - each message 4, each tool 8 and ⌈bytes of its JSON / 4⌉, each tool call or result 6 and
///   ⌈bytes of its JSON / 4⌉, the request 3, and what the model's table says for having tools
/// - an image 1,600; a PDF 2,000 a page, where 50,000 bytes of it are a page
/// - an answer: its text, or 6 and ⌈bytes of its arguments / 4⌉ a tool call; never less than 1
enum TokenLaw {
  static let request = 3
  static let message = 4
  static let tool = 8
  static let call = 6
  static let image = 1600
  static let page = 2000
  static let pageBytes = 50_000

  static func text(_ text: String) -> Int { bytes(text.utf8.count) }

  static func bytes(_ count: Int) -> Int { (count + 3) / 4 }

  static func json(_ value: JSONValue) -> Int { bytes(jsonByteCount(value)) }

  /// A base64 text as pages.
  static func pdf(base64ByteCount: Int) -> Int {
    let decoded = base64ByteCount / 4 * 3
    return max(1, (decoded + pageBytes - 1) / pageBytes) * page
  }

  /// Bytes of a value as compact JSON, short of escapes.
  private static func jsonByteCount(_ value: JSONValue) -> Int {
    switch value {
    case .null, .bool(true): 4
    case .bool(false): 5
    case .number(let number): number.text.utf8.count
    case .string(let text): text.utf8.count + 2
    case .array(let elements):
      elements.reduce(2 + max(0, elements.count - 1)) { $0 + jsonByteCount($1) }
    case .object(let object):
      object.reduce(2 + max(0, object.count - 1)) {
        $0 + $1.key.utf8.count + 3 + jsonByteCount($1.value)
      }
    }
  }
}
