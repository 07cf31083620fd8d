/// A JSON number with the text it was written in, so that what passes through is not rounded.
///
/// Two numbers are equal when their texts are: `1`, `1.0` and `1e0` differ.
package struct JSONNumber: Hashable, Sendable {
  /// The number as JSON, exactly as it was read.
  package let text: String

  /// Takes text that a parser has checked.
  package init(unchecked text: String) {
    self.text = text
  }

  /// Takes a number in JSON's own spelling; nil for anything else.
  package init?(_ text: String) {
    guard let value = try? JSONValue(parsing: text), case .number(let number) = value,
      number.text.utf8.count == text.utf8.count
    else { return nil }
    self = number
  }

  package init(_ value: Int64) { text = String(value) }
  package init(_ value: UInt64) { text = String(value) }

  /// The shortest text that reads back as the same Double; nil when the value is not finite.
  package init?(_ value: Double) {
    guard value.isFinite else { return nil }
    text = value.description
  }

  /// The value when it is whole and fits, whatever way it was written (`1e3`, `5.0`).
  package var int64: Int64? {
    if let plain = Int64(text) { return plain }
    guard let whole = wholeMagnitude else { return nil }
    guard text.utf8.first == UInt8(ascii: "-") else { return Int64(exactly: whole) }
    return whole == Int64.min.magnitude ? Int64.min : Int64(exactly: whole).map { -$0 }
  }

  /// The value when it is whole, not negative and fits.
  package var uint64: UInt64? {
    if let plain = UInt64(text) { return plain }
    guard let whole = wholeMagnitude else { return nil }
    return text.utf8.first == UInt8(ascii: "-") && whole != 0 ? nil : whole
  }

  /// The nearest Double; nil when the magnitude is beyond what a Double holds.
  package var double: Double? {
    guard let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// The absolute value when the number is whole and fits, found in decimal without rounding.
  private var wholeMagnitude: UInt64? {
    var digits: [UInt8] = []
    var fractionCount = 0
    var isFraction = false
    var exponent = 0
    var rest = Substring(text).utf8
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "."): isFraction = true
      case UInt8(ascii: "e"), UInt8(ascii: "E"):
        exponent = Self.exponent(Substring(rest))
        rest = rest.suffix(0)
      default:
        digits.append(byte - UInt8(ascii: "0"))
        if isFraction { fractionCount += 1 }
      }
    }
    return Self.magnitude(digits[...], shiftedBy: exponent - fractionCount)
  }

  /// Far beyond any exponent that leaves a number whole and within 64 bits.
  private static let exponentMax = 1_000_000

  private static func exponent(_ text: Substring) -> Int {
    if let value = Int(text) { return min(max(value, -exponentMax), exponentMax) }
    return text.hasPrefix("-") ? -exponentMax : exponentMax
  }

  private static func magnitude(_ all: ArraySlice<UInt8>, shiftedBy shift: Int) -> UInt64? {
    var digits = all.drop { $0 == 0 }
    var shift = shift
    while digits.last == 0 {
      digits.removeLast()
      shift += 1
    }
    if digits.isEmpty { return 0 }
    guard shift >= 0, digits.count + shift <= 20 else { return nil }
    var value: UInt64 = 0
    for digit in digits + [UInt8](repeating: 0, count: shift) {
      let (product, tooBig) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = product.addingReportingOverflow(UInt64(digit))
      guard !tooBig, !overflow else { return nil }
      value = sum
    }
    return value
  }
}

extension JSONNumber: CustomStringConvertible {
  package var description: String { text }
}
