// GatewayValues: what the gateway's rooms say to each other about a call: money, tokens, prices,
// names. Plain values without I/O, clock or provider. Money is a whole number of nano-dollars and
// never a Double; a sum that would leave the type is an error, never a wrap. Limits: `NameLimits`,
// `PriceLimits`.

/// Money: billionths of a US dollar, enough for nine billion dollars either way.
package struct NanoDollars: Hashable, Comparable, Sendable {
  package let count: Int64

  package init(_ count: Int64) { self.count = count }

  package static let zero = NanoDollars(0)
  package static let max = NanoDollars(.max)
  package static let dollar = NanoDollars(1_000_000_000)

  package static func < (left: NanoDollars, right: NanoDollars) -> Bool {
    left.count < right.count
  }

  /// nil when the sum does not fit: whoever adds money decides what that means.
  package func adding(_ other: NanoDollars) -> NanoDollars? {
    let (sum, overflows) = count.addingReportingOverflow(other.count)
    return overflows ? nil : NanoDollars(sum)
  }

  package func subtracting(_ other: NanoDollars) -> NanoDollars? {
    let (rest, overflows) = count.subtractingReportingOverflow(other.count)
    return overflows ? nil : NanoDollars(rest)
  }
}

extension NanoDollars: CustomStringConvertible {
  /// `$12.50`, `-$0.000312`: at least two decimals, and no more than the amount has.
  package var description: String {
    let magnitude = count.magnitude
    let whole = magnitude / 1_000_000_000
    var decimals = magnitude % 1_000_000_000
    var places = 9
    while places > 2, decimals % 10 == 0 {
      decimals /= 10
      places -= 1
    }
    // Each answer says it: put together without formats, in a text that needs no memory.
    let digits = String(decimals)
    var text = count < 0 ? "-$" : "$"
    text += String(whole)
    text += "."
    for _ in digits.utf8.count..<places { text += "0" }
    return text + digits
  }

  /// Reads `12`, `$12.5`, `0.000312`; nil for anything else, for more than nine decimals, for
  /// less than nothing and for more than fits.
  package init?(text: String) {
    var rest = text.utf8[...]
    if rest.first == UInt8(ascii: "$") { rest.removeFirst() }
    let parts = rest.split(
      separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, let dollars = Self.digits(whole, countMax: 10) else {
      return nil
    }
    var nanos: Int64 = 0
    if parts.count == 2 {
      guard let decimals = Self.digits(parts[1], countMax: 9) else { return nil }
      nanos = (parts[1].count..<9).reduce(decimals) { value, _ in value * 10 }
    }
    let (scaled, isTooMuch) = dollars.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isMore) = scaled.addingReportingOverflow(nanos)
    guard !isTooMuch, !isMore else { return nil }
    self.init(sum)
  }

  private static func digits(_ text: Substring.UTF8View, countMax: Int) -> Int64? {
    guard (1...countMax).contains(text.count) else { return nil }
    var value: Int64 = 0
    for byte in text {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
      value = value * 10 + Int64(byte - UInt8(ascii: "0"))
    }
    return value
  }
}
