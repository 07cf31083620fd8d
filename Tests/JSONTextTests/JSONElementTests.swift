import JSON
import JSONText
import Testing

@Suite struct JSONElementTests {
  private let source = #"""
     {"model": "claude", "max_tokens" : 1024, "temperature":0.70, "stream":true, "stop":null,
      "esc\u0061ped": "a\n\"b\"\u00e9😀\/", "messages":[{"role":"user","content":"hi"},{}, [ ]],
      "big": 18446744073709551616, "whole": 5e2, "negative": -17}
    """#

  private func text() throws -> JSONText { try JSONText(checking: Array(source.utf8)) }

  @Test func `values are what they say`() throws {
    let text = try text()
    #expect(text["model"]?.kind == .string)
    #expect(text["model"]?.string == "claude")
    #expect(text["max_tokens"]?.int == 1024)
    #expect(text["temperature"]?.number?.text == "0.70")
    #expect(text["temperature"]?.double == 0.7)
    #expect(text["temperature"]?.int == nil)
    #expect(text["stream"]?.bool == true)
    #expect(text["stop"]?.isNull == true)
    #expect(text["stop"]?.bool == nil)
    #expect(text["big"]?.int == nil)
    #expect(text["whole"]?.int == 500)
    #expect(text["negative"]?.int == -17)
    #expect(text["escaped"]?.string == "a\n\"b\"é😀/")
    #expect(text["model"]?.int == nil)
    #expect(text["max_tokens"]?.string == nil)
  }

  @Test func `what is not there is nil`() throws {
    let text = try text()
    #expect(text["modeL"] == nil)
    #expect(text["mode"] == nil)
    #expect(text[""] == nil)
    #expect(text["model"]?["model"] == nil)
    #expect(text["messages"]?["role"] == nil)
    #expect(text["messages"]?[3] == nil)
    #expect(text["messages"]?[-1] == nil)
    #expect(text.root[0] == nil)
    #expect(text[path: ["model", "x"]] == nil)
    #expect(text.root.key == nil)
    #expect(text["messages"]?[0]?.key == nil)
  }

  @Test func `of thousands of keys only those that are there are found`() throws {
    let members = (0..<2000).map { "\"key\($0)\":\($0)" }.joined(separator: ",")
    let text = try JSONText(checking: Array("{\(members)}".utf8))
    for number in 0..<2000 {
      #expect(text["key\(number)"]?.int == number)
      #expect(text["kez\(number)"] == nil)
    }
  }

  @Test func `arrays and objects are walked in their order`() throws {
    let text = try text()
    let messages = try #require(text["messages"])
    #expect(messages.elements.map(\.kind) == [.object, .object, .array])
    #expect(messages.count == 3)
    #expect(messages[0]?["content"]?.utf8Equals("hi") == true)
    #expect(messages[0]?.members.map { $0.key.string } == ["role", "content"])
    #expect(messages[1]?.count == 0)
    #expect(messages[2]?.elements.map(\.kind) == [])
    #expect(text["model"]?.elements.map(\.kind) == [])
    #expect(text["model"]?.members.map(\.key.kind) == [])
    #expect(
      text.root.members.map { $0.value.key?.string } == text.root.members.map { $0.key.string })
  }

  @Test func `strings are compared as they are meant`() throws {
    let text = try text()
    let escaped = try #require(text["escaped"])
    #expect(escaped.isEscaped)
    #expect(escaped.utf8Equals("a\n\"b\"é😀/"))
    #expect(!escaped.utf8Equals("a\n\"b\"é😀"))
    #expect(!escaped.utf8Equals("a\n\"b\"é😀//"))
    #expect(!escaped.utf8Equals(""))
    #expect(escaped.key?.utf8Equals("escaped") == true)
    #expect(text["model"]?.isEscaped == false)
    #expect(text["model"]?.utf8Equals("claudf") == false)
    #expect(text["max_tokens"]?.utf8Equals("1024") == false)
    let accents = try JSONText(checking: Array("{\"\u{e9}\":1,\"e\u{301}\":2}".utf8))
    #expect(accents["\u{e9}"]?.int == 1)
    #expect(accents["e\u{301}"]?.int == 2)
  }

  @Test func `ranges are those of the bytes`() throws {
    let text = try text()
    let tokens = try #require(text["max_tokens"])
    #expect(Array(text.bytes[tokens.range]) == Array("1024".utf8))
    let member = try #require(tokens.memberRange)
    #expect(Array(text.bytes[member]) == Array("\"max_tokens\" : 1024".utf8))
    #expect(tokens.withBytes { $0.byteCount } == 4)
    #expect(text["model"]?.withContent { $0.byteCount } == 6)
    #expect(tokens.withContent { $0.byteCount } == nil)
    #expect(text["messages"]?[2]?.bytes == Array("[ ]".utf8))
    #expect(text.root.memberRange == nil)
  }

  @Test func `a whole number at either end of what fits is read`() throws {
    for value in [Int.max, .min, 999_999_999_999_999_999, -999_999_999_999_999_999, 0] {
      #expect(try JSONText(checking: Array("\(value)".utf8)).root.int == value)
    }
    #expect(try JSONText(checking: Array("9223372036854775808".utf8)).root.int == nil)
    #expect(try JSONText(checking: Array("-0".utf8)).root.int == 0)
  }

  @Test func `a value is written into another document to the byte`() throws {
    let messages = try #require(try text()["messages"])
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("a")
    writer.value(messages)
    writer.key("b")
    writer.int(1)
    writer.endObject()
    let expected = #"{"a":[{"role":"user","content":"hi"},{}, [ ]],"b":1}"#
    #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
  }
}
