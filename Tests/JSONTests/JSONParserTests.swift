import JSON
import TestSupport
import Testing

@Suite struct JSONParserTests {
  private func error(_ text: String, limits: JSONLimits = JSONLimits()) -> JSONError.Code? {
    error([UInt8](text.utf8), limits: limits)
  }

  private func error(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) -> JSONError.Code? {
    do {
      _ = try JSONValue(parsing: bytes, limits: limits)
      return nil
    } catch {
      return error.code
    }
  }

  @Test func `every kind of value is read`() throws {
    let text =
      #" {"n":null,"t":true,"f":false,"i":-12,"d":1.5e3,"s":"hé","a":[1,[],{}],"o":{"x":1}} "#
    let value = try JSONValue(parsing: text)
    let number = try #require(JSONNumber("1.5e3"))
    #expect(
      value == [
        "n": nil, "t": true, "f": false, "i": -12, "d": .number(number),
        "s": "hé", "a": [1, [], [:]], "o": ["x": 1],
      ])
    #expect(value["a"]?[0]?.intValue == 1)
    #expect(value["a"]?[9] == nil)
    #expect(value["o"]?["x"]?.doubleValue == 1)
    #expect(value["d"]?.intValue == 1500)
    #expect(value["n"]?.isNull == true)
    #expect(value["t"]?.boolValue == true)
    #expect(value["s"]?.stringValue == "hé")
  }

  @Test(arguments: [
    ("", JSONError.Code.unexpectedEnd), (" ", .unexpectedEnd), ("[", .unexpectedEnd),
    ("{", .unexpectedEnd), ("{\"a\"", .unexpectedEnd), ("{\"a\":", .unexpectedEnd),
    ("[1", .unexpectedEnd), ("[1,", .unexpectedEnd), ("tru", .unexpectedEnd),
    ("\"a", .unexpectedEnd), ("\"\\", .unexpectedEnd), ("\"\\u12", .unexpectedEnd),
    ("-", .unexpectedEnd), ("1.", .unexpectedEnd), ("1e", .unexpectedEnd),
    ("[1,]", .unexpectedByte), ("{\"a\":1,}", .unexpectedByte), ("{a:1}", .unexpectedByte),
    ("{'a':1}", .unexpectedByte), ("[1 2]", .unexpectedByte), ("nul ", .unexpectedByte),
    ("True", .unexpectedByte), ("NaN", .unexpectedByte), ("Infinity", .unexpectedByte),
    ("+1", .unexpectedByte), (".5", .unexpectedByte), ("// x\n1", .unexpectedByte),
    ("[}", .unexpectedByte), ("[1}", .unexpectedByte), ("{\"a\":1]", .unexpectedByte),
    ("{\"a\" 1}", .unexpectedByte), ("{1:2}", .unexpectedByte), (",", .unexpectedByte),
    ("\u{FEFF}1", .unexpectedByte), ("\u{A0}1", .unexpectedByte), ("\u{B}1", .unexpectedByte),
    ("01", .invalidNumber), ("-01", .invalidNumber), ("1.x", .invalidNumber),
    ("1e+x", .invalidNumber), ("-x", .invalidNumber), ("1 1", .trailingBytes),
    ("{}}", .trailingBytes), ("1\0", .trailingBytes), ("0x1", .trailingBytes),
    ("\"\n\"", .controlCharacterInString), ("\"\0\"", .controlCharacterInString),
    (#""\x""#, .invalidEscape), (#""\u12g4""#, .invalidEscape), (#""\U0041""#, .invalidEscape),
    (#""\ud800""#, .loneSurrogate), (#""\udc00""#, .loneSurrogate),
    (#""\ud800\ud800""#, .loneSurrogate), (#""\ud800x""#, .loneSurrogate),
    (#"{"a":1,"a":2}"#, .duplicateKey), (#"{"a":1,"\u0061":2}"#, .duplicateKey),
  ])
  func `what RFC 8259 does not allow is refused`(text: String, code: JSONError.Code) {
    #expect(error(text) == code)
  }

  @Test(
    arguments: [
      [0x80], [0xC0, 0x80], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFF],
    ] as [[UInt8]])
  func `bad UTF-8 in a string or a key is refused where it begins`(bad: [UInt8]) {
    let quote = UInt8(ascii: "\"")
    #expect(throws: JSONError.self) {
      try JSONValue(parsing: [quote, 0x61, 0xC3, 0xA9] + bad + [quote])
    }
    do {
      _ = try JSONValue(parsing: [quote, 0x61, 0xC3, 0xA9] + bad + [quote])
    } catch {
      #expect(error.code == .invalidUTF8)
      #expect(error.offset == 4)
      #expect(error.column == 4)
    }
    #expect(error([UInt8]("{\"".utf8) + bad + [UInt8]("\":1}".utf8)) == .invalidUTF8)
    #expect(error([UInt8]("\"\\n".utf8) + bad + [quote]) == .invalidUTF8)
  }

  @Test func `escapes become the characters they stand for`() throws {
    let text = #""\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00\u0000""#
    let value = try JSONValue(parsing: text)
    #expect(value == .string("\"\\/\u{8}\u{c}\n\r\tAé€😀\0"))
  }

  @Test func `an error says line, column and byte`() {
    do {
      _ = try JSONValue(parsing: "{\n  \"é\": [1,\n   x]}")
      Issue.record("read what is not JSON")
    } catch {
      #expect(error.line == 3)
      #expect(error.column == 4)
      #expect(error.offset == 17)
      #expect(error.description == "line 3, column 4 (byte 17): this byte cannot stand here")
    }
  }

  @Test func `two spellings of one character are two keys`() throws {
    let value = try JSONValue(parsing: "{\"\u{e9}\":1,\"e\u{301}\":2}")
    #expect(value.objectValue?.count == 2)
    #expect(value["\u{e9}"] == 1)
    #expect(value["e\u{301}"] == 2)
  }

  @Test func `members keep their order and are found among many`() throws {
    let keys = (0..<500).map { "key\($0 * 7919 % 500)" }
    let text = "{" + keys.map { "\"\($0)\":\"\($0)\"" }.joined(separator: ",") + "}"
    let object = try #require(try JSONValue(parsing: text).objectValue)
    #expect(object.keys == keys)
    #expect(keys.allSatisfy { object[$0] == .string($0) })
    #expect(error(String(text.dropLast()) + ",\"key7\":0}") == .duplicateKey)
  }

  @Test func `limits are kept to the value`() {
    let nested = String(repeating: "[", count: 5) + String(repeating: "]", count: 5)
    #expect(error(nested, limits: JSONLimits(depthMax: 5)) == nil)
    #expect(error(nested, limits: JSONLimits(depthMax: 4)) == .tooDeep(limit: 4))
    #expect(error("[1,2]", limits: JSONLimits(valuesMax: 3)) == nil)
    #expect(error("[1,2]", limits: JSONLimits(valuesMax: 2)) == .tooManyValues(limit: 2))
    #expect(error("[12]", limits: JSONLimits(bytesMax: 4)) == nil)
    #expect(error("[12]", limits: JSONLimits(bytesMax: 3)) == .tooManyBytes(limit: 3))
    #expect(error("123", limits: JSONLimits(numberBytesMax: 3)) == nil)
    #expect(error("1.23", limits: JSONLimits(numberBytesMax: 3)) == .numberTooLong(limit: 3))
  }

  @Test(arguments: ["[", "{\"a\":", "[{\"a\":[", "[[],"])
  func `a million openings end at the depth limit`(opening: String) {
    let text = String(repeating: opening, count: 1_000_000 / opening.utf8.count)
    #expect(error(text) == .tooDeep(limit: JSONLimits().depthMax))
    let generous = JSONLimits(depthMax: .max)
    #expect(error(text, limits: generous) == .tooDeep(limit: JSONLimits.depthCeiling))
  }

  @Test func `every beginning of a document is refused`() throws {
    let text = #"{"a":[1.5e-3,"x\u00e9\ud83d\ude00é€😀",true,false,null],"b":{"c":{}},"d":-0}"#
    let bytes = [UInt8](text.utf8)
    _ = try JSONValue(parsing: bytes)
    for count in 0..<bytes.count {
      #expect(error([UInt8](bytes[..<count])) != nil, "\(count) bytes were enough")
    }
  }

  @Test func `random and mutated bytes never trap and survive a round trip when read`() throws {
    var random = SeededRandom("JSONParserTests")
    let sample = [UInt8](
      #"{"a":[1.5e-3,"x\u00e9\ud83d\ude00é",true,false,null],"b":{"c":{}},"d":-0}"#.utf8)
    let alphabet = [UInt8](#"{}[]",:\u0129.eE+-truefalsn d8 "#.utf8) + [0xC3, 0xA9, 0xF0]
    for round in 0..<20_000 {
      let bytes =
        round % 2 == 0
        ? random.mutation(of: sample) : random.bytes(countMax: 24, from: alphabet)
      guard let value = try? JSONValue(parsing: bytes) else { continue }
      #expect(try JSONValue(parsing: value.text()) == value)
      #expect(try JSONValue(parsing: value.text(pretty: true)) == value)
    }
  }
}
