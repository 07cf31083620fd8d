import JSON
import TestSupport
import Testing

@testable import SimulatorModel

/// Answers fit the schema that was asked for.
@Suite struct SchemaFitterTests {
  @Test func `a value made for any schema fits it, the same for the same seed`() throws {
    var random = SeededRandom("schema fitting")
    for _ in 0..<3000 {
      let schema = RandomSchema.make(depth: 0, &random)
      let seed = random.next()
      var fitter = SchemaFitter(schema: schema, seed: seed, itemIDs: ["a", "b"])
      let value = fitter.value()
      #expect(
        SchemaFit.problem(value, schema) == nil,
        "\(SchemaFit.problem(value, schema) ?? "") \(schema.text()) \(value.text())")
      var again = SchemaFitter(schema: schema, seed: seed, itemIDs: ["a", "b"])
      #expect(again.value() == value)
    }
  }

  @Test func `a schema that refers to itself ends`() throws {
    let schema = try JSONValue(
      parsing: """
        {"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"next":{"anyOf":
        [{"$ref":"#/$defs/node"},{"type":"null"}]},"all":{"type":"array","items":
        {"$ref":"#/$defs/node"}}},"required":["next","all"]}}}
        """)
    for seed in 0..<200 {
      var fitter = SchemaFitter(schema: schema, seed: UInt64(seed), itemIDs: [])
      #expect(fitter.value()["next"] != nil)
    }
  }

  @Test func `items echo the ids of the prompt, as texts or numbers`() throws {
    let texts = [#"{"id": "a7", "x": 1} {"id":8}"#, "[ID: c/9] [ID:] \"id\": \"a7\" \"idea\": 4"]
    #expect(ItemIDs.find(in: texts) == ["a7", "8", "c/9"])
    let schema = try JSONValue(
      parsing: """
        {"type":"object","required":["out"],"properties":{"out":{"type":"array","maxItems":2,
        "items":{"type":"object","required":["item_id"],"properties":{"item_id":
        {"type":"string"}}}}}}
        """)
    var fitter = SchemaFitter(schema: schema, seed: 1, itemIDs: ["a7", "8", "c/9"])
    let ids = fitter.value()["out"]?.arrayValue?.compactMap { $0["item_id"]?.stringValue }
    #expect(ids == ["a7", "8"])
  }
}

/// Schemas as a test makes them up.
private enum RandomSchema {
  static func make(depth: Int, _ random: inout SeededRandom) -> JSONValue {
    let kinds = depth > 3 ? 5 : 9
    switch Int.random(in: 0..<kinds, using: &random) {
    case 0: return integer(&random)
    case 1:
      let low = Double(Int.random(in: -50...50, using: &random)) / 4
      return .object(["type": "number", "minimum": .number(low), "maximum": .number(low + 3.5)])
    case 2: return text(&random)
    case 3: return .object(["type": "boolean"])
    case 4: return .object(["enum": ["red", 5, .null, ["deep": true]]])
    case 5, 6: return object(depth, &random)
    case 7:
      let least = Int.random(in: 0...3, using: &random)
      return .object([
        "type": "array", "items": make(depth: depth + 1, &random), "minItems": .number(least),
        "maxItems": .number(least + Int.random(in: 0...4, using: &random)),
      ])
    default:
      return .object([
        "anyOf": [make(depth: depth + 1, &random), make(depth: depth + 1, &random)]
      ])
    }
  }

  private static func integer(_ random: inout SeededRandom) -> JSONValue {
    let low = Int.random(in: -1000...1000, using: &random)
    let step = Int.random(in: 1...4, using: &random)
    return .object([
      "type": ["integer", "null"], "exclusiveMinimum": .number(low),
      "maximum": .number(low + 8), "multipleOf": .number(step),
    ])
  }

  private static func text(_ random: inout SeededRandom) -> JSONValue {
    let least = Int.random(in: 0...40, using: &random)
    return .object([
      "type": "string", "minLength": .number(least), "maxLength": .number(least + 5),
    ])
  }

  private static func object(_ depth: Int, _ random: inout SeededRandom) -> JSONValue {
    var properties = JSONObject()
    var required: [JSONValue] = []
    for name in ["id", "score", "why", "tags"].prefix(Int.random(in: 0...4, using: &random)) {
      properties[name] = make(depth: depth + 1, &random)
      if Bool.random(using: &random) { required.append(.string(name)) }
    }
    return .object([
      "type": "object", "properties": .object(properties), "required": .array(required),
      "additionalProperties": false,
    ])
  }
}

/// Whether a value fits a schema: written apart from the code that makes values.
enum SchemaFit {
  static func problem(_ value: JSONValue, _ schema: JSONValue) -> String? {
    if let choices = schema["enum"]?.arrayValue {
      return choices.contains(value) ? nil : "not of the enum"
    }
    if let options = schema["anyOf"]?.arrayValue {
      return options.contains { problem(value, $0) == nil } ? nil : "fits no option"
    }
    switch value {
    case .null:
      let types = schema["type"]?.arrayValue ?? []
      return types.contains("null") ? nil : "null"
    case .bool: return schema["type"] == "boolean" ? nil : "a bool"
    case .number(let number): return numberProblem(number.double ?? .nan, schema)
    case .string(let text):
      guard schema["type"] == "string" else { return "a text" }
      let count = text.unicodeScalars.count
      if count < schema["minLength"]?.intValue ?? 0 { return "too short" }
      return count > schema["maxLength"]?.intValue ?? .max ? "too long" : nil
    case .array(let elements):
      guard schema["type"] == "array", let items = schema["items"] else { return "an array" }
      if elements.count < schema["minItems"]?.intValue ?? 0 { return "too few" }
      if elements.count > schema["maxItems"]?.intValue ?? .max { return "too many" }
      return elements.lazy.compactMap { problem($0, items) }.first
    case .object(let object): return objectProblem(object, schema)
    }
  }

  private static func numberProblem(_ value: Double, _ schema: JSONValue) -> String? {
    let types = schema["type"]?.arrayValue ?? schema["type"].map { [$0] } ?? []
    guard types.contains("number") || (types.contains("integer") && value.rounded() == value) else {
      return "a number"
    }
    if let low = schema["minimum"]?.doubleValue, value < low { return "too small" }
    if let low = schema["exclusiveMinimum"]?.doubleValue, value <= low { return "too small" }
    if let high = schema["maximum"]?.doubleValue, value > high { return "too large" }
    if let step = schema["multipleOf"]?.doubleValue,
      value.truncatingRemainder(dividingBy: step) != 0
    {
      return "no multiple"
    }
    return nil
  }

  private static func objectProblem(_ object: JSONObject, _ schema: JSONValue) -> String? {
    guard schema["type"] == "object" else { return "an object" }
    for key in schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? [] {
      guard object.contains(key) else { return "\(key) is missing" }
    }
    for (key, member) in object {
      guard let property = schema["properties"]?[key] else { return "\(key) is unknown" }
      if let problem = problem(member, property) { return "\(key): \(problem)" }
    }
    return nil
  }
}
