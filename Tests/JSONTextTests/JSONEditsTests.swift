import JSON
import JSONText
import Testing

@Suite struct JSONEditsTests {
  private func text(_ source: String) throws -> JSONText {
    try JSONText(checking: Array(source.utf8))
  }

  private func edited(
    _ source: String, _ edit: (inout JSONEdits, JSONText) throws -> Void
  ) throws -> String {
    let text = try text(source)
    var edits = JSONEdits(of: text)
    try edit(&edits, text)
    let bytes = try edits.bytes()
    _ = try JSONText(checking: bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func `a value is replaced and nothing else moves`() throws {
    let result = try edited(" { \"b\" : 1.0 ,\"model\":\t\"x\" ,\"a\":[ ] }\n") { edits, text in
      try edits.replace(#require(text["model"]), with: JSONFragment("y\n"))
    }
    #expect(result == " { \"b\" : 1.0 ,\"model\":\t\"y\\n\" ,\"a\":[ ] }\n")
    #expect(try edited("1") { try $0.replace($1.root, with: JSONFragment([])) } == "[]")
  }

  @Test(arguments: [
    ("{}", "{\"n\":1}", "{\"n\":1}"), ("{ }", "{ \"n\":1}", "{ \"n\":1}"),
    ("{\"a\":2}", "{\"n\":1,\"a\":2}", "{\"a\":2,\"n\":1}"),
    ("{ \"a\": 2 }", "{ \"n\":1,\"a\": 2 }", "{ \"a\": 2,\"n\":1 }"),
    (
      "{\n\t\"a\":2,\n\t\"b\":3\n}", "{\n\t\"n\":1,\"a\":2,\n\t\"b\":3\n}",
      "{\n\t\"a\":2,\n\t\"b\":3,\"n\":1\n}"
    ),
  ])
  func `a member is inserted first or last`(source: String, first: String, last: String) throws {
    #expect(
      try edited(source) { try $0.insert(JSONFragment(1), for: "n", in: $1.root, at: .first) }
        == first)
    #expect(try edited(source) { try $0.insert(JSONFragment(1), for: "n", in: $1.root) } == last)
  }

  @Test(arguments: [
    ("[]", 0, "[9]"), ("[ ]", 0, "[ 9]"), ("[1]", 0, "[9,1]"), ("[1]", 1, "[1,9]"),
    ("[ 1 , 2 ]", 0, "[ 9,1 , 2 ]"), ("[ 1 , 2 ]", 1, "[ 1,9 , 2 ]"),
    ("[ 1 , 2 ]", 2, "[ 1 , 2,9 ]"), ("[[],{}]", 1, "[[],9,{}]"),
  ])
  func `an element is inserted where it was meant`(
    source: String, index: Int, expected: String
  ) throws {
    #expect(
      try edited(source) { try $0.insert(JSONFragment(9), in: $1.root, at: index) } == expected)
  }

  @Test(arguments: [
    ("[1]", [0], "[]"), ("[ 1 ]", [0], "[  ]"), ("[1,2,3]", [0], "[2,3]"),
    ("[1,2,3]", [1], "[1,3]"), ("[1,2,3]", [2], "[1,2]"), ("[1,2,3]", [0, 1], "[3]"),
    ("[1,2,3]", [0, 2], "[2]"), ("[1,2,3]", [1, 2], "[1]"), ("[1,2,3]", [0, 1, 2], "[]"),
    ("[ 1 , 2 , 3 ]", [1], "[ 1 , 3 ]"), ("[ 1 , 2 , 3 ]", [0], "[ 2 , 3 ]"),
    ("[ 1 , 2 , 3 ]", [2], "[ 1 , 2 ]"),
  ])
  func `elements are removed with their commas`(
    source: String, indices: [Int], expected: String
  ) throws {
    let result = try edited(source) { edits, text in
      for index in indices { try edits.remove(#require(text.root[index])) }
    }
    #expect(result == expected)
    // The same with members.
    let keys = { (text: String) in
      String(text.flatMap { $0.isNumber ? "\"\($0)\":\($0)" : String($0) })
        .replacing("[", with: "{").replacing("]", with: "}")
    }
    let members = try edited(keys(source)) { edits, text in
      for index in indices { try edits.remove(#require(text["\(index + 1)"])) }
    }
    #expect(members == keys(expected))
  }

  @Test func `a member is renamed and its value replaced`() throws {
    let result = try edited("{\"max_tokens\" : 1, \"b\":2}") { edits, text in
      let member = try #require(text["max_tokens"])
      try edits.rename(member, to: "max\"")
      try edits.replace(member, with: JSONFragment(7))
    }
    #expect(result == "{\"max\\\"\" : 7, \"b\":2}")
  }

  @Test func `a key that goes makes room for one that comes`() throws {
    let swapped = try edited("{\"a\":1,\"b\":2}") { edits, text in
      try edits.rename(#require(text["a"]), to: "b")
      try edits.rename(#require(text["b"]), to: "a")
    }
    #expect(swapped == "{\"b\":1,\"a\":2}")
    let renewed = try edited("{\"a\":1,\"b\":2}") { edits, text in
      try edits.remove(#require(text["a"]))
      try edits.insert(JSONFragment(3), for: "a", in: text.root)
    }
    #expect(renewed == "{\"b\":2,\"a\":3}")
  }

  @Test func `many inserts at one place keep their order`() throws {
    let result = try edited("{\"o\":[5],\"z\":0}") { edits, text in
      let array = try #require(text["o"])
      try edits.insert(JSONFragment(1), in: array, at: 0)
      try edits.insert(JSONFragment(9), in: array)
      try edits.insert(JSONFragment(2), in: array, at: 0)
      try edits.replace(#require(array[0]), with: JSONFragment(6))
      try edits.remove(#require(text["z"]))
      try edits.insert(JSONFragment(true), for: "x", in: text.root, at: .first)
      try edits.insert(JSONFragment(nil), for: "y", in: text.root, at: .first)
    }
    #expect(result == "{\"x\":true,\"y\":null,\"o\":[1,2,6,9]}")
  }

  @Test func `edits of the same bytes are refused`() throws {
    let text = try text("{\"a\":{\"b\":[1,2]},\"c\":3}")
    let (outer, array) = (try #require(text["a"]), try #require(text[path: ["a", "b"]]))
    func code(_ edit: (inout JSONEdits) throws -> Void) -> JSONEditError.Code? {
      do {
        var edits = JSONEdits(of: text)
        try edit(&edits)
        _ = try edits.segments()
        return nil
      } catch {
        return (error as? JSONEditError)?.code
      }
    }
    let one = JSONFragment(1)
    let first = try #require(array[0])
    #expect(
      code {
        try $0.remove(outer); try $0.replace(first, with: one)
      } == .overlap)
    #expect(
      code {
        try $0.replace(first, with: one); try $0.remove(outer)
      } == .overlap)
    #expect(
      code {
        try $0.replace(outer, with: one); try $0.insert(one, in: array)
      } == .overlap)
    #expect(
      code {
        try $0.replace(first, with: one); try $0.replace(first, with: one)
      } == .overlap)
    #expect(
      code {
        try $0.replace(first, with: one); try $0.remove(first)
      } == .overlap)
    #expect(
      code {
        try $0.remove(first); try $0.remove(first)
      } == .overlap)
    #expect(
      code {
        try $0.rename(outer, to: "x"); try $0.rename(outer, to: "y")
      } == .overlap)
    #expect(
      code {
        try $0.rename(outer, to: "x"); try $0.remove(outer)
      } == .overlap)
    #expect(
      code {
        try $0.replace(text.root, with: one); try $0.remove(outer)
      } == .overlap)
    #expect(code { try $0.replace(text.root, with: one) } == nil)
  }

  @Test func `edits that make no sense are refused at once`() throws {
    let text = try text("{\"a\":[1],\"b\":2}")
    let array = try #require(text["a"])
    var edits = JSONEdits(of: text)
    func code(_ edit: (inout JSONEdits) throws(JSONEditError) -> Void) -> JSONEditError.Code? {
      do throws(JSONEditError) {
        try edit(&edits)
        return nil
      } catch {
        return error.code
      }
    }
    let one = JSONFragment(1)
    let first = try #require(array[0])
    let other = try self.text("{\"a\":[1],\"b\":2}")
    #expect(code { edits throws(JSONEditError) in try edits.remove(text.root) } == .outermostValue)
    #expect(code { edits throws(JSONEditError) in try edits.remove(other.root) } == .otherDocument)
    #expect(code { edits throws(JSONEditError) in try edits.rename(first, to: "x") } == .notAMember)
    #expect(
      code { edits throws(JSONEditError) in try edits.rename(text.root, to: "x") } == .notAMember)
    #expect(
      code { edits throws(JSONEditError) in try edits.insert(one, for: "x", in: array) }
        == .notAnObject)
    #expect(
      code { edits throws(JSONEditError) in try edits.insert(one, in: text.root) } == .notAnArray)
    #expect(
      code { edits throws(JSONEditError) in try edits.insert(one, in: array, at: 2) }
        == .noSuchPlace)
    #expect(
      code { edits throws(JSONEditError) in try edits.insert(one, in: array, at: -1) }
        == .noSuchPlace)
    #expect(edits.isEmpty)
    #expect(try edits.bytes() == text.bytes)
  }

  @Test func `a second member of one key is refused`() throws {
    let text = try text(#"{"\u0061":1,"b":2}"#)
    func refused(_ edit: (inout JSONEdits) throws -> Void) throws -> Bool {
      var edits = JSONEdits(of: text)
      try edit(&edits)
      do throws(JSONEditError) {
        _ = try edits.bytes()
        return false
      } catch {
        return error.code == .duplicateKey
      }
    }
    let (one, b) = (JSONFragment(1), try #require(text["b"]))
    #expect(try refused { try $0.insert(one, for: "a", in: text.root) })
    #expect(try refused { try $0.rename(b, to: "a") })
    #expect(
      try refused { edits in
        for _ in 0..<2 { try edits.insert(one, for: "c", in: text.root) }
      })
    #expect(try !refused { try $0.insert(one, for: "A", in: text.root) })
    #expect(try !refused { try $0.rename(b, to: "b") })
  }

  @Test func `a huge body is passed on as ranges of itself`() throws {
    let image = String(repeating: "ABCDabcd0189+/xy", count: 100_000)
    let text = try text("{\"model\":\"a\",\"image\":\"\(image)\",\"z\":1}")
    var edits = JSONEdits(of: text)
    try edits.replace(#require(text["model"]), with: JSONFragment("bb"))
    try edits.remove(#require(text["z"]))
    let other = JSONFragment(try #require(text["image"]))
    try edits.insert(other, for: "copy", in: text.root)
    let segments = try edits.segments()
    let count = text.bytes.count
    #expect(
      segments == [
        .original(0..<9), .inserted(Array("\"bb\"".utf8)), .original(12..<(count - 7)),
        .inserted(Array(",\"copy\":".utf8)), .inserted(other.bytes),
        .original((count - 1)..<count),
      ])
    #expect(segments.reduce(0) { $0 + $1.byteCount } == (try edits.bytes().count))
  }
}
