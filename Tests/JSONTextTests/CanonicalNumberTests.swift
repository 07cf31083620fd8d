import JSON
import JSONText
import TestSupport
import Testing

@Suite struct CanonicalNumberTests {
  private func canonical(_ number: String) throws -> String {
    String(
      decoding: try JSONText(checking: Array(number.utf8)).canonicalBytes(), as: UTF8.self)
  }

  @Test(arguments: [
    (
      "1",
      ["1.0", "1e0", "10e-1", "0.1e1", "1E+0", "1.000", "100e-002", "0.0000000000000000001e19"]
    ),
    ("100", ["1e2", "100.0", "0.1e3", "1.00e+2"]),
    ("0", ["0.0", "0e5", "0e-99999999999999999999"]),
    ("-0", ["-0.0", "-0e1", "-0.000000000000000000000000"]), ("-15", ["-1.5e1", "-150e-1"]),
    ("5e-1", ["0.5", "0.50", "5E-1", "50e-2", "0.0005e3"]),
    ("125e-2", ["1.25", "1.2500", "0.125e1", "12500e-4"]),
    ("1" + String(repeating: "0", count: 39), ["1e39", "10e38", "0.1e40"]),
    ("1e40", ["1" + String(repeating: "0", count: 40), "10e39", "0.001e43"]),
    ("123456789012345678901234567890123456789012", []),
    ("1e99999999999999999999", ["10e99999999999999999998", "0.1e100000000000000000000"]),
    ("1e-100000000000000000000", ["10e-100000000000000000001", "0.1e-99999999999999999999"]),
    ("1e100000000000000000000", ["100e99999999999999999998", "1.00e0100000000000000000000"]),
    ("9e18446744073709551616", ["0.9e18446744073709551617", "90e18446744073709551615"]),
  ])
  func `equal decimals have one spelling`(expected: String, others: [String]) throws {
    #expect(try canonical(expected) == expected)
    for other in others { #expect(try canonical(other) == expected, "\(other)") }
  }

  @Test(arguments: [
    ("0.1", "0.10000000000000001"), ("0.1", "0.1000000000000000055511151231257827"),
    ("9007199254740993", "9007199254740992"), ("1e400", "1e401"), ("1e-400", "0"), ("-1", "1"),
    ("1e99999999999999999999", "1e99999999999999999998"), ("0", "-0"), ("10", "1"),
    ("1e99999999999999999999", "1e-99999999999999999999"), ("1.5", "15"), ("1e41", "1e40"),
    ("12345678901234567890123456789012345678901", "12345678901234567890123456789012345678900"),
  ])
  func `different decimals never have the same`(one: String, other: String) throws {
    #expect(try canonical(one) != canonical(other))
  }

  @Test func `random spellings agree exactly when the decimals are equal`() throws {
    var random = SeededRandom("CanonicalNumberTests")
    var byValue: [Int: String] = [:]
    var bySpelling: [String: Int] = [:]
    for _ in 0..<5000 {
      let mantissa = Int.random(in: 1...120, using: &random)
      let exponent = Int.random(in: -5...5, using: &random)
      let value = (0..<exponent + 5).reduce(mantissa) { product, _ in product * 10 }
      let spelling = try canonical(spell(mantissa, exponent, &random))
      #expect(byValue[value, default: spelling] == spelling)
      #expect(bySpelling[spelling, default: value] == value)
      byValue[value] = spelling
      bySpelling[spelling] = value
    }
  }

  /// `mantissa` × 10^`exponent` with its point anywhere and any number of zeros.
  private func spell(_ mantissa: Int, _ exponent: Int, _ random: inout SeededRandom) -> String {
    let zeros = { (count: Int) in String(repeating: "0", count: count) }
    let trailing = Int.random(in: 0...20, using: &random)
    let digits = zeros(Int.random(in: 0...20, using: &random)) + "\(mantissa)" + zeros(trailing)
    let fraction = Int.random(in: 0...digits.count, using: &random)
    let whole = digits.dropLast(fraction).drop { $0 == "0" }
    let written = exponent - trailing + fraction
    var text = whole.isEmpty ? "0" : String(whole)
    if fraction > 0 { text += "." + digits.suffix(fraction) }
    if written == 0, Bool.random(using: &random) { return text }
    let sign = written < 0 ? "-" : (Bool.random(using: &random) ? "+" : "")
    let padding = zeros(Int.random(in: 0...3, using: &random) * 10)
    return text + "eE".map(String.init)[Int.random(in: 0...1, using: &random)] + sign + padding
      + "\(written.magnitude)"
  }
}
