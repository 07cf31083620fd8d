import JSON
import JSONText
import TestSupport
import Testing

/// Same meaning, same bytes; another meaning, other bytes.
@Suite struct JSONCanonicalPropertyTests {
  private func canonical(_ bytes: [UInt8]) throws -> [UInt8] {
    try JSONText(checking: bytes).canonicalBytes()
  }

  @Test func `members, white space, escapes and number texts may stand as they like`() throws {
    var json = RandomJSON("JSONCanonicalPropertyTests.spellings")
    for _ in 0..<1000 {
      let value = json.value()
      (json.shuffles, json.varies) = (false, false)
      let plain = try canonical(json.spelling(of: value))
      (json.shuffles, json.varies) = (true, true)
      let spelling = json.spelling(of: value)
      let other = try canonical(spelling)
      #expect(other == plain, "\(String(decoding: spelling, as: UTF8.self))")
      #expect(try canonical(plain) == plain)
      #expect(meaning(of: try JSONValue(parsing: plain)) == meaning(of: value))
    }
  }

  @Test func `one change of a value changes the bytes`() throws {
    var json = RandomJSON("JSONCanonicalPropertyTests.changes")
    for _ in 0..<2000 {
      let value = json.value()
      let changed = change(value, &json)
      let same = try canonical(value.bytes()) == canonical(changed.bytes())
      #expect(same == (meaning(of: value) == meaning(of: changed)), "\(value) \(changed)")
    }
  }

  @Test func `one change of the bytes changes the bytes exactly when it changes the meaning`()
    throws
  {
    var json = RandomJSON("JSONCanonicalPropertyTests.mutations")
    json.varies = true
    var compared = 0
    for _ in 0..<20_000 {
      let bytes = json.spelling(of: json.value(depth: 2))
      let mutated = json.random.mutation(of: bytes)
      guard let other = try? JSONText(checking: mutated) else { continue }
      let same = try canonical(bytes) == other.canonicalBytes()
      let means = try meaning(of: JSONValue(parsing: bytes)) == meaning(of: other.root.value)
      #expect(same == means, "\(String(decoding: bytes, as: UTF8.self))")
      compared += 1
    }
    #expect(compared > 1000)
  }

  /// The value with something in it added, taken away, changed or moved.
  private func change(_ value: JSONValue, _ json: inout RandomJSON) -> JSONValue {
    switch value {
    case .array(var elements) where !elements.isEmpty:
      let index = json.below(elements.count)
      switch json.below(4) {
      case 0: elements.remove(at: index)
      case 1: elements.insert(json.value(depth: 1), at: index)
      case 2: elements.swapAt(index, 0)
      default: elements[index] = change(elements[index], &json)
      }
      return .array(elements)
    case .object(var object) where !object.isEmpty:
      let (key, member) = object[json.below(object.count)]
      switch json.below(4) {
      case 0: object[key] = nil
      case 1: object[json.string()] = json.value(depth: 1)
      case 2:
        object[key] = nil
        object[key + "'"] = member
      default: object[key] = change(member, &json)
      }
      return .object(object)
    default: return json.value(depth: 1)
    }
  }

  /// The value with every number as its sign, its digits and its power of ten.
  private func meaning(of value: JSONValue) -> JSONValue {
    switch value {
    case .number(let number): return .array([.string("number"), .string(decimal(number.text))])
    case .array(let elements): return .array(elements.map(meaning))
    case .object(let object):
      var result = JSONObject()
      for (key, member) in object { _ = result.insert(meaning(of: member), for: key) }
      return .object(result)
    case .string(let text):
      // By scalars: equality of text would take two forms of one character for the same.
      return .array([.string("string")] + text.unicodeScalars.map { .number(Int($0.value)) })
    default: return value
    }
  }

  private func decimal(_ text: String) -> String {
    let parts = text.lowercased().split(separator: "e")
    let mantissa = parts[0].drop { $0 == "-" }.split(separator: ".")
    let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
    var digits = Substring(mantissa[0] + fraction).drop { $0 == "0" }
    var exponent = (parts.count > 1 ? Int(parts[1]) ?? .min : 0) &- fraction.count
    while digits.last == "0" {
      digits.removeLast()
      exponent &+= 1
    }
    let sign = text.hasPrefix("-") ? "-" : "+"
    return digits.isEmpty ? sign + "0" : "\(sign)\(digits)x\(exponent)"
  }
}
