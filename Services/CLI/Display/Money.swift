// RunDisplay: what a run looks like to a person: values that turn its log into lines, tables and
// JSON. It asks nobody, prints nothing and keeps no more of a run than what is shown.
// Limits: `RunText.verdictsShownMax`.

/// Amounts of money in nano-dollars, for people.
package enum Money {
  /// `$12.35`, `$0.0123`, `$0`: two digits behind the point from a dollar up, else four, and six
  /// where four would say nothing.
  package static func text(_ nanos: Int64) -> String {
    guard nanos != 0 else { return "$0" }
    let sign = nanos < 0 ? "-" : ""
    let amount = nanos.magnitude
    let digits = amount >= 1_000_000_000 ? 2 : amount >= 100_000 ? 4 : 6
    var unit: UInt64 = 1_000_000_000
    for _ in 0..<digits { unit /= 10 }
    let rounded = (amount + unit / 2) / unit
    var scale: UInt64 = 1
    for _ in 0..<digits { scale *= 10 }
    let fraction = String(rounded % scale)
    let zeros = String(repeating: "0", count: digits - fraction.count)
    return "\(sign)$\(rounded / scale).\(zeros)\(fraction)"
  }

  /// `12.5`, `$0.01` as nano-dollars; nil when it is no amount, or more than a billion dollars.
  package static func parse(_ text: String) -> Int64? {
    let plain = text.hasPrefix("$") ? text.dropFirst() : text[...]
    let parts = plain.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), !plain.isEmpty, parts[0].count <= 9,
      let whole = Int64(parts[0].isEmpty ? "0" : String(parts[0])), whole >= 0,
      parts.joined().allSatisfy(\.isASCIIDigit), !parts.joined().isEmpty
    else { return nil }
    let fraction = parts.count > 1 ? String(parts[1]) : ""
    guard fraction.count <= 9 else { return nil }
    let padded = fraction + String(repeating: "0", count: 9 - fraction.count)
    return whole * 1_000_000_000 + (Int64(padded) ?? 0)
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
