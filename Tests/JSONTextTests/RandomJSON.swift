import JSON
import TestSupport

/// Random documents, and random spellings of one document.
struct RandomJSON {
  var random: SeededRandom
  /// Members are written in any order when it is on.
  var shuffles = false
  /// White space, escapes and numbers are written in any way that means the same.
  var varies = false

  init(_ name: String) { random = SeededRandom(name) }

  mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

  // MARK: - Values

  mutating func value(depth: Int = 4) -> JSONValue {
    switch below(depth > 0 ? 9 : 6) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &random))
    case 2: return .number(Int.random(in: -1000...1000, using: &random))
    case 3:
      return .number(JSONNumber(Self.numbers[below(Self.numbers.count)]) ?? JSONNumber(Int64(0)))
    case 4, 5: return .string(string())
    case 6: return .array((0..<below(5)).map { _ in value(depth: depth - 1) })
    default:
      var object = JSONObject()
      // Now and then enough of them for an index.
      for _ in 0..<(below(12) == 0 ? 40 : below(6)) {
        _ = object.insert(value(depth: depth - 1), for: string())
      }
      return .object(object)
    }
  }

  private static let numbers = ["0.5", "-0", "1e3", "12.50", "3E-7", "123456789012345678901234"]
  private static let pieces = [
    "a", "b", "key", "\"", "\\", "/", "\n", "\u{1}", "\u{1f}", "\u{7f}", "é", "e\u{301}", "€", "😀",
    "\0", "long enough to fill a word or two", "u0041", "\t", " ",
  ]

  mutating func string() -> String {
    (0..<below(5)).map { _ in Self.pieces[below(Self.pieces.count)] }.joined()
  }

  // MARK: - Spellings

  mutating func spelling(of value: JSONValue) -> [UInt8] {
    var text: [UInt8] = []
    write(value, to: &text)
    return text
  }

  private mutating func write(_ value: JSONValue, to text: inout [UInt8]) {
    space(&text)
    switch value {
    case .array(let elements):
      text.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { text.append(UInt8(ascii: ",")) }
        write(element, to: &text)
      }
      space(&text)
      text.append(UInt8(ascii: "]"))
    case .object(let object):
      text.append(UInt8(ascii: "{"))
      let members = shuffles ? Array(object).shuffled(using: &random) : Array(object)
      for (index, member) in members.enumerated() {
        if index > 0 { text.append(UInt8(ascii: ",")) }
        write(.string(member.key), to: &text)
        text.append(UInt8(ascii: ":"))
        write(member.value, to: &text)
      }
      space(&text)
      text.append(UInt8(ascii: "}"))
    case .string(let string) where varies: quoted(string, to: &text)
    case .number(let number) where varies: text += spelling(of: number)
    default: text += value.bytes()
    }
    space(&text)
  }

  private mutating func space(_ text: inout [UInt8]) {
    guard varies else { return }
    for _ in 0..<max(0, below(8) - 5) { text.append([0x20, 0x0A, 0x0D, 0x09][below(4)]) }
  }

  private mutating func quoted(_ string: String, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for scalar in string.unicodeScalars {
      let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
      if scalar == "/", below(2) == 0 {
        text += Array("\\/".utf8)
      } else if mustEscape || below(4) == 0 {
        let isShort = below(2) == 0 && mustEscape
        text += isShort ? JSONValue.string(String(scalar)).bytes()[1...].dropLast() : escape(scalar)
      } else {
        text += Array(String(scalar).utf8)
      }
    }
    text.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ scalar: Unicode.Scalar) -> [UInt8] {
    String(scalar).utf16.flatMap { unit in
      let digits = String(unit, radix: 16, uppercase: below(2) == 0)
      return Array("\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
    }
  }

  /// The same decimal, spelt some other way.
  private mutating func spelling(of number: JSONNumber) -> [UInt8] {
    guard number.text != "-0", !number.text.contains(where: { "eE.".contains($0) }) else {
      return Array(number.text.utf8)
    }
    let choices = ["", ".0", ".000", "e0", "E+00", "0e-1", "00.0E-0002", ".0e-0"]
    let choice = choices[number.text == "0" ? below(5) : below(choices.count)]
    return Array("\(number.text)\(choice)".utf8)
  }
}
