import GatewayFixtures
import JSON

/// What an answer tells its caller of its usage, read as the caller's own SDK reads it.
struct UsageTold: Equatable {
  /// All of it, cached or not.
  var input: Int64 = 0
  var cacheRead: Int64 = 0
  var cacheWrite: Int64 = 0
  var output: Int64 = 0

  init?(_ reply: GatewayFixture.Reply, _ dialect: DialectCall, isStream: Bool) {
    let usages = isStream ? Self.events(reply.text) : [reply.json["usage"] ?? .null]
    var found = false
    for usage in usages where usage != .null {
      found = true
      take(usage, dialect)
    }
    guard found else { return nil }
  }

  /// The usages of a stream, wherever its dialect puts them.
  private static func events(_ text: String) -> [JSONValue] {
    text.split(separator: "\n").compactMap { line in
      guard line.hasPrefix("data: "),
        let event = try? JSONValue(parsing: String(line.dropFirst(6)))
      else { return nil }
      return event["usage"] ?? event["message"]?["usage"] ?? event["response"]?["usage"]
    }
  }

  private mutating func take(_ usage: JSONValue, _ dialect: DialectCall) {
    func count(_ name: String, in object: JSONValue? = nil) -> Int64? {
      (object ?? usage)[name]?.intValue.map(Int64.init)
    }
    switch dialect {
    case .messages:
      // Counts so far: each word replaces the one before it.
      output = count("output_tokens") ?? output
      guard let fresh = count("input_tokens") else { return }
      cacheRead = count("cache_read_input_tokens") ?? 0
      cacheWrite = count("cache_creation_input_tokens") ?? 0
      input = fresh + cacheRead + cacheWrite
    case .chat, .responses:
      let (whole, details) =
        dialect == .chat
        ? ("prompt_tokens", usage["prompt_tokens_details"])
        : ("input_tokens", usage["input_tokens_details"])
      input = count(whole) ?? 0
      output = count(dialect == .chat ? "completion_tokens" : "output_tokens") ?? 0
      cacheRead = details.flatMap { count("cached_tokens", in: $0) } ?? 0
      cacheWrite = details.flatMap { count("cache_write_tokens", in: $0) } ?? 0
    }
  }
}
