import Testing
import YAML

@Suite struct YAMLScalarTests {
  private func scalar(_ text: String) throws -> YAMLScalar {
    try #require(try YAMLNode(parsing: "a: " + text)["a"]?.scalar)
  }

  @Test func `the core rules decide what a plain scalar is`() throws {
    for text in ["", "~", "null", "Null", "NULL"] { #expect(try scalar(text).isNull) }
    for text in ["true", "True", "TRUE"] { #expect(try scalar(text).bool == true) }
    for text in ["false", "False", "FALSE"] { #expect(try scalar(text).bool == false) }
    for text in ["yes", "no", "on", "off", "y", "tRUE", "0", "'true'", "\"true\"", "!!str true"] {
      #expect(try scalar(text).bool == nil)
    }
  }

  @Test(
    arguments: [
      ("0", 0), ("-12", -12), ("+7", 7), ("0777", 777), ("0o17", 15), ("0x1F", 31), ("0xfe", 254),
      ("9223372036854775807", .max), ("9223372036854775808", nil), ("1_000", nil), ("0b11", nil),
      ("1.0", nil), ("1e3", nil), ("'1'", nil), ("!!str 1", nil), ("0x-1", nil), ("0o+1", nil),
      ("0x", nil), ("-0x1", nil), ("8080:80", nil), ("١", nil),
    ] as [(String, Int64?)])
  func `whole numbers`(text: String, value: Int64?) throws {
    #expect(try scalar(text).int == value)
  }

  @Test(
    arguments: [
      ("0.5", 0.5), ("-1e3", -1000), ("1.", 1), (".5", 0.5), ("12", 12), ("0x10", 16),
      ("+1.5", 1.5),
      (".inf", .infinity), ("-.INF", -.infinity), ("inf", nil), ("nan", nil), ("0x1p4", nil),
      ("1.2.3", nil), ("'1.5'", nil), ("e", nil), (".", nil), ("+", nil), ("1 2", nil),
    ] as [(String, Double?)])
  func `numbers with a fraction`(text: String, value: Double?) throws {
    #expect(try scalar(text).double == value)
  }

  @Test func `not a number is one word of its own`() throws {
    #expect(try scalar(".nan").double?.isNaN == true)
  }

  @Test func `the style is known`() throws {
    #expect(try scalar("x").style == .plain)
    #expect(try scalar("'x'").style == .singleQuoted)
    #expect(try scalar("\"x\"").style == .doubleQuoted)
    #expect(try scalar("|\n  x").style == .literal)
    #expect(try scalar(">\n  x").style == .folded)
    #expect(try scalar("\"a\\0b\"").text == "a\0b")
  }
}
