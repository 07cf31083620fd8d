/// A scalar as it was written; what it means is asked for.
package struct YAMLScalar: Equatable, Sendable {
  /// How it was written.
  package enum Style: Equatable, Sendable {
    case plain, singleQuoted, doubleQuoted, literal, folded
  }

  package let text: String
  package let style: Style
  /// Whether YAML 1.2's core rules may see more than a string in it: plain and not tagged `!!str`.
  let isOpen: Bool

  init(text: String, style: Style, isOpen: Bool) {
    self.text = text
    self.style = style
    self.isOpen = isOpen
  }
}

/// YAML 1.2's core schema: no `yes`, no `on`, no `0777`, no sexagesimals.
extension YAMLScalar {
  package var isNull: Bool { isOpen && ["", "~", "null", "Null", "NULL"].contains(text) }

  package var bool: Bool? {
    guard isOpen else { return nil }
    switch text {
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default: return nil
    }
  }

  /// Decimal, `0o` octal or `0x` hexadecimal, when it fits.
  package var int: Int64? {
    guard isOpen else { return nil }
    if text.hasPrefix("0o") { return Self.unsigned(text.dropFirst(2), radix: 8) }
    if text.hasPrefix("0x") { return Self.unsigned(text.dropFirst(2), radix: 16) }
    return Int64(text)
  }

  package var double: Double? {
    guard isOpen else { return nil }
    switch text {
    case ".nan", ".NaN", ".NAN": return .nan
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .infinity
    case "-.inf", "-.Inf", "-.INF": return -.infinity
    default: return isDecimal ? Double(text) : int.map(Double.init)
    }
  }

  /// Digits alone: Swift's own reader would take a sign here.
  private static func unsigned(_ digits: Substring, radix: Int) -> Int64? {
    digits.first?.isHexDigit == true ? Int64(digits, radix: radix) : nil
  }

  /// Only signs, digits, point and exponent: Swift also reads `inf`, `nan` and hexadecimal.
  private var isDecimal: Bool {
    text.utf8.contains { $0 >= 0x30 && $0 <= 0x39 }
      && text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || "+-.eE".utf8.contains($0) }
  }
}
