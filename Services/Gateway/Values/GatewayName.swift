/// Named limits of names.
package enum NameLimits {
  package static let countMax = 128
}

/// The name of a product, a key, a budget, a provider or a model: printable, without spaces, and
/// safe in a log line, a file name, a header and a metric.
package struct GatewayName: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let text: String

  /// nil unless the text is 1 to 128 of letters, digits, `.`, `_`, `-`, `:`, `/` and `@`, and
  /// begins with a letter or a digit.
  package init?(_ text: String) {
    let bytes = text.utf8
    guard (1...NameLimits.countMax).contains(bytes.count), let first = bytes.first,
      Self.isAlphanumeric(first), bytes.allSatisfy(Self.isAllowed)
    else { return nil }
    self.text = text
  }

  package var description: String { text }

  package static func < (left: GatewayName, right: GatewayName) -> Bool { left.text < right.text }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || "._-:/@".utf8.contains(byte)
  }
}
