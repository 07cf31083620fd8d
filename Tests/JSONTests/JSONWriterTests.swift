import JSON
import Testing

@Suite struct JSONWriterTests {
  private func text(_ writer: JSONWriter) -> String {
    String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test func `values are written in one pass with every comma in place`() {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("a")
    writer.beginArray()
    writer.int(UInt64.max)
    writer.double(1.5)
    writer.double(.infinity)
    writer.beginArray()
    writer.endArray()
    writer.beginObject()
    writer.endObject()
    writer.endArray()
    writer.key("b")
    writer.bool(true)
    writer.key("c")
    writer.null()
    writer.endObject()
    #expect(text(writer) == #"{"a":[18446744073709551615,1.5,null,[],{}],"b":true,"c":null}"#)
  }

  @Test func `only what must be escaped is`() throws {
    let all = String(String.UnicodeScalarView((0..<0x80).compactMap(Unicode.Scalar.init))) + "é😀"
    var writer = JSONWriter()
    writer.string(all)
    #expect(text(writer).hasPrefix(#""\u0000\u0001"#))
    #expect(text(writer).contains(#"\b\t\n\u000b\f\r\u000e"#))
    #expect(text(writer).contains(##" !\"#"##))
    #expect(text(writer).contains(#"[\\]"#))
    #expect(text(writer).contains("/0"))
    #expect(text(writer).hasSuffix("é😀\""))
    #expect(!writer.bytes.contains { $0 < 0x20 })
    #expect(try JSONValue(parsing: writer.bytes) == .string(all))
  }

  @Test func `a buffer is used again and lines stand apart`() {
    var writer = JSONWriter(appendingTo: [UInt8]("x".utf8))
    for number in 1...2 {
      writer.beginArray()
      writer.int(number)
      writer.endArray()
      writer.raw(0x0A)
    }
    #expect(text(writer) == "x[1]\n[2]\n")
  }

  @Test func `what does not fit is taken back`() {
    var writer = JSONWriter()
    writer.beginArray()
    writer.int(1)
    let mark = writer.mark
    writer.beginObject()
    writer.key("broken off")
    writer.undo(to: mark)
    writer.int(3)
    writer.endArray()
    #expect(text(writer) == "[1,3]")
  }

  @Test func `the pretty form puts members on lines of their own`() throws {
    let value: JSONValue = ["a": [1, [:]], "b": ["c": nil], "d": []]
    let expected = """
      {
        "a": [
          1,
          {}
        ],
        "b": {
          "c": null
        },
        "d": []
      }
      """
    #expect(value.text(pretty: true) == expected)
  }

  @Test func `objects are equal in any order and keep a key once`() {
    var object: JSONObject = ["a": 1, "b": 2]
    #expect(JSONValue.object(object) == ["b": 2, "a": 1])
    #expect(JSONValue.object(object) != ["b": 2, "a": 2])
    #expect(JSONValue.object(object) != ["b": 2, "c": 1])
    let wasInserted = object.insert(3, for: "a")
    #expect(!wasInserted)
    object["a"] = 4
    object["c"] = 5
    object["b"] = nil
    #expect(JSONValue.object(object).text() == #"{"a":4,"c":5}"#)
    for number in 0..<40 { object["n\(number)"] = .number(number) }
    for number in 0..<39 { object["n\(number)"] = nil }
    #expect(object.keys == ["a", "c", "n39"])
    #expect(object["n39"] == 39)
  }
}
