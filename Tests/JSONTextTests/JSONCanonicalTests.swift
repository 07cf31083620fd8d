import JSON
import JSONText
import Testing

@Suite struct JSONCanonicalTests {
  private func canonical(_ source: String, excluding paths: [JSONPath] = []) throws -> String {
    let text = try JSONText(checking: Array(source.utf8))
    return String(decoding: text.canonicalBytes(excluding: paths), as: UTF8.self)
  }

  @Test(arguments: [
    ("null", "null"), (" true ", "true"), ("false", "false"), ("[ ]", "[]"), ("{ }", "{}"),
    (" { \"b\" : 1 , \"a\" : [ 1 , 2 ] } ", "{\"a\":[1,2],\"b\":1}"),
    (#"{"b":{"d":1,"c":2},"a":[{"z":1,"y":2}]}"#, #"{"a":[{"y":2,"z":1}],"b":{"c":2,"d":1}}"#),
    (#"{"aa":1,"a":2,"":3,"A":4}"#, #"{"":3,"A":4,"a":2,"aa":1}"#),
    (#"{"\u0062":1,"a":2}"#, #"{"a":2,"b":1}"#),
    // By bytes of UTF-8: what UTF-16 would sort the other way round.
    ("{\"\u{10000}\":1,\"\u{FFFF}\":2}", "{\"\u{FFFF}\":2,\"\u{10000}\":1}"),
    (#""\u0041\/\"\\\b\f\n\r\t""#, #""A/\"\\\b\f\n\r\t""#),
    (#""\u0008\u000c\u000A\u000d\u0009\u0022\u005c""#, #""\b\f\n\r\t\"\\""#),
    (#""\u0000\u001F\u007f""#, "\"\\u0000\\u001f\u{7f}\""),
    (#""\u00e9\u20AC\ud83d\ude00""#, "\"é€😀\""), ("\"e\u{301}\"", "\"e\u{301}\""),
    (#""\\u0041\\/""#, #""\\u0041\\/""#),
  ])
  func `the canonical form is the one that is written down`(
    source: String, expected: String
  ) throws {
    // Compared as bytes: text would take two forms of one character for the same.
    #expect(try Array(canonical(source).utf8) == Array(expected.utf8))
    #expect(try Array(canonical(expected).utf8) == Array(expected.utf8))
  }

  @Test(arguments: [
    ("null", "{}"), ("0", "-0"), ("0", "false"), ("1", "\"1\""), ("1", "true"), ("[]", "{}"),
    ("[1,2]", "[2,1]"), ("[1,2]", "[12]"), ("[[1],2]", "[[1,2]]"), ("[]", "[null]"),
    ("{\"a\":null}", "{}"), ("{\"a\":1}", "{\"A\":1}"), ("\"a\"", "\"a \""), ("\"\"", "\" \""),
    ("\"\u{e9}\"", "\"e\u{301}\""), (#""\\n""#, #""\n""#), (#""\u0000""#, #""0""#),
    (#"{"a":{"b":1}}"#, #"{"a":{},"b":1}"#), (#"{"a":"b\",\"c"}"#, #"{"a":"b","c":""}"#),
  ])
  func `what differs in meaning differs in bytes`(one: String, other: String) throws {
    #expect(try Array(canonical(one).utf8) != Array(canonical(other).utf8))
  }

  @Test func `excluded members are as if they were not there`() throws {
    let source = #"""
      {"stream":true,"model":"m","metadata":{"user_id":"u","team":"t","stream":1},
       "messages":[{"id":1,"text":"a"},{"text":"b","id":2,"parts":[{"id":3}]}],"\u0069d":7}
      """#
    #expect(
      try canonical(source, excluding: [["stream"], ["metadata", "user_id"]])
        == #"{"id":7,"messages":[{"id":1,"text":"a"},"#
        + #"{"id":2,"parts":[{"id":3}],"text":"b"}],"#
        + #""metadata":{"stream":1,"team":"t"},"model":"m"}"#)
    #expect(
      try canonical(
        source,
        excluding: [
          ["messages", .eachElement, "id"],
          ["messages", .eachElement, "parts", .eachElement, "id"],
          ["metadata"], ["id"], ["stream"],
        ])
        == #"{"messages":[{"text":"a"},{"parts":[{}],"text":"b"}],"model":"m"}"#)
    #expect(
      try canonical(source, excluding: [[], ["x"], ["model", "x"], [.eachElement]])
        == canonical(source))
    #expect(try canonical("[1,[2,3]]", excluding: [[.eachElement, .eachElement]]) == "[1,[]]")
    #expect(try canonical("[1,[2,3]]", excluding: [[.eachElement]]) == "[]")
    #expect(try canonical("{\"a\":1}", excluding: [["a"]]) == "{}")
  }

  @Test func `an element has a canonical form of its own, and paths begin there`() throws {
    let text = try JSONText(checking: Array(#"{"a":{"c":[2.0],"b":1},"b":0}"#.utf8))
    let inner = try #require(text["a"])
    var bytes: [UInt8] = []
    inner.feedCanonical(excluding: [["b"]]) { piece in
      unsafe piece.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }
    #expect(String(decoding: bytes, as: UTF8.self) == "{\"c\":[2]}")
  }

  @Test func `a long string is lent in one piece, and one to be spelt anew in small ones`() throws {
    func pieces(_ source: String) throws -> [Int] {
      var counts: [Int] = []
      try JSONText(checking: Array(source.utf8)).feedCanonical { counts.append($0.byteCount) }
      return counts
    }
    let plain = String(repeating: "x\\n", count: 400_000)
    #expect(try pieces("{\"b\":1,\"a\":\"\(plain)\"}") == [5, 1_200_002, 7])
    let slashed = String(repeating: "abc\\/", count: 400_000)
    let counts = try pieces("[\"\(slashed)\"]")
    #expect(counts.reduce(0, +) == 4 * 400_000 + 4)
    #expect(counts.allSatisfy { $0 <= 8192 })
    let runs = String(repeating: String(repeating: "y", count: 5000) + "\\u0041", count: 3)
    #expect(try pieces("\"\(runs)\"") == [5001, 1, 5000, 1, 5000, 2])
  }

  @Test func `long values of every kind come out whole`() throws {
    let keys = (0..<3000).map { "\($0)-" + String(repeating: "k", count: $0 % 50) }
    let members = keys.map { "\"\($0)\":\"\($0)\\/\"" }
    let forward = "{" + members.joined(separator: ",") + "}"
    let backward = "{" + members.reversed().joined(separator: ",") + "}"
    let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let expected = "{" + sorted.map { "\"\($0)\":\"\($0)/\"" }.joined(separator: ",") + "}"
    #expect(try canonical(forward) == expected)
    #expect(try canonical(backward) == expected)
    let longKey = String(repeating: "k", count: 5000)
    #expect(
      try canonical("{\"\(longKey)2\":1,\"\(longKey)1\\/\":\"\(longKey)\"}")
        == "{\"\(longKey)1/\":\"\(longKey)\",\"\(longKey)2\":1}")
  }

  @Test func `who takes the bytes can stop`() throws {
    struct Enough: Error {}
    let text = try JSONText(checking: Array(#"["a"]"#.utf8))
    #expect(throws: Enough.self) {
      try text.feedCanonical { (_: RawSpan) throws(Enough) in throw Enough() }
    }
  }
}
