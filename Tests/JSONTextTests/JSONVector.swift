import Testing

/// A document that readers of JSON must take (`y_`), may take (`i_`) or must refuse (`n_`).
struct JSONVector: Sendable, CustomTestStringConvertible {
  let name: String
  let bytes: [UInt8]

  init(_ name: String, _ bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  init(_ name: String, _ text: String) {
    self.init(name, Array(text.utf8))
  }

  var testDescription: String { name }

  static let refused = refusedStructure + refusedStrings
  static let all = accepted + refused

  static func nested(
    _ opening: String, _ closing: String, _ count: Int, _ inner: String = ""
  ) -> String {
    String(repeating: opening, count: count) + inner + String(repeating: closing, count: count)
  }

  static func ones(_ count: Int) -> String { String(repeating: "1", count: count) }

  /// An object of `count` members, and one more.
  static func members(_ count: Int, _ last: String? = nil) -> String {
    let members = (0..<count).map { "\"k\($0)\":\($0)" } + (last.map { ["\"\($0)\":0"] } ?? [])
    return "{" + members.joined(separator: ",") + "}"
  }
}
