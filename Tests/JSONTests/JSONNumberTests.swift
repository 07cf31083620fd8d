import JSON
import Testing

@Suite struct JSONNumberTests {
  @Test(arguments: [
    "0", "-0", "0.0", "1E400", "123456789012345678901234567890", "1.000", "-1e-07", "1E+2",
  ])
  func `the text passes through unchanged`(text: String) throws {
    #expect(try JSONValue(parsing: text).text() == text)
    #expect(try #require(JSONNumber(text)).text == text)
  }

  @Test(
    arguments: [
      ("0", 0), ("-0", 0), ("-0.0e5", 0), ("5.0", 5), ("1e3", 1000), ("-1.5E1", -15),
      ("1200e-2", 12), ("9223372036854775807", .max), ("-9223372036854775808", .min),
      ("-9.223372036854775808e18", .min), ("9223372036854775808", nil), ("1e19", nil),
      ("-9223372036854775809", nil), ("0.5", nil), ("1e-1", nil), ("0e999999999999999999999", 0),
      ("1e999999999999999999999", nil), ("1e-999999999999999999999", nil),
      ("100000000000000000000000000e-25", 10),
    ] as [(String, Int64?)])
  func `whole numbers are exact whatever way they are written`(text: String, value: Int64?) throws {
    #expect(try #require(JSONNumber(text)).int64 == value)
  }

  @Test(
    arguments: [
      ("18446744073709551615", .max), ("18446744073709551616", nil), ("-1", nil), ("-0", 0),
      ("1.8446744073709551615e19", .max), ("-0.0", 0), ("-1.0", nil), ("2.50", nil),
    ] as [(String, UInt64?)])
  func `unsigned numbers are exact`(text: String, value: UInt64?) throws {
    #expect(try #require(JSONNumber(text)).uint64 == value)
  }

  @Test func `a double that does not fit is nothing rather than infinity`() throws {
    #expect(try #require(JSONNumber("1e400")).double == nil)
    #expect(try #require(JSONNumber("-1.5")).double == -1.5)
    #expect(JSONNumber(Double.nan) == nil)
    #expect(JSONNumber(-Double.infinity) == nil)
    #expect(JSONValue.number(Double.nan) == .null)
  }

  @Test(arguments: [
    0.1, 1e21, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -0.0, 1e16, 123456.789,
  ])
  func `a double reads back as itself`(value: Double) throws {
    let text = JSONValue.number(value).text()
    #expect(try JSONValue(parsing: text).doubleValue?.bitPattern == value.bitPattern)
  }

  @Test(arguments: ["", " 1", "1 ", "01", "0x1", "1.", "--1", "nan", "\"1\"", "[1]", "٣"])
  func `text that is no number is refused`(text: String) {
    #expect(JSONNumber(text) == nil)
  }
}
