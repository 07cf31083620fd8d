import JSON

/// Which schemas each provider takes for structured output.
enum SchemaCheck {
  /// Keywords that Anthropic refuses.
  private static let anthropicRefused = [
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "maxItems", "uniqueItems", "not", "if", "then", "else", "patternProperties",
  ]
  private static let openAIRefused = [
    "allOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas",
    "patternProperties",
  ]
  private static let optionalMax = 24
  private static let unionsMax = 16
  private static let propertiesMax = 5000
  private static let depthMax = 10
  private static let enumMax = 1000

  /// What is counted over a whole schema.
  private struct Sums {
    var optional = 0
    var unions = 0
    var properties = 0
    var enumValues = 0
    var visited = 0
  }

  /// Nil when Anthropic compiles it.
  static func anthropic(_ schema: JSONValue) -> String? {
    var sums = Sums()
    if let problem = walkAnthropic(schema, 0, &sums) { return problem }
    if sums.optional > optionalMax || sums.unions > unionsMax {
      return "Schema is too complex for compilation."
    }
    return nil
  }

  private static func walkAnthropic(
    _ schema: JSONValue, _ depth: Int, _ sums: inout Sums
  ) -> String? {
    guard let object = schema.objectValue, depth < 64 else { return nil }
    let type = object["type"]?.stringValue ?? (object["properties"] == nil ? "schema" : "object")
    for key in anthropicRefused where object.contains(key) {
      return "For '\(type)' type, property '\(key)' is not supported"
    }
    if let count = object["minItems"]?.intValue, count > 1 {
      return "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
    }
    if let reference = object["$ref"]?.stringValue, reference == "#" {
      return "Circular reference detected in schema definitions: #"
    }
    if object["anyOf"] != nil || object["type"]?.arrayValue != nil { sums.unions += 1 }
    if type == "object" {
      guard object["additionalProperties"] == .bool(false) else {
        return "For 'object' type, 'additionalProperties' must be explicitly set to false"
      }
      let required = object["required"]?.arrayValue?.count ?? 0
      sums.optional += max(0, (object["properties"]?.objectValue?.count ?? 0) - required)
    }
    for (_, child) in children(of: object) {
      if let problem = walkAnthropic(child, depth + 1, &sums) { return problem }
    }
    return nil
  }

  /// Nil when OpenAI takes it as strict.
  static func openAI(_ schema: JSONValue, named name: String) -> String? {
    guard schema["type"]?.stringValue == "object" else {
      return "Invalid schema for response_format '\(name)': schema must be a JSON Schema of "
        + "'type: \"object\"', got 'type: \"\(schema["type"]?.stringValue ?? "None")\"'."
    }
    var sums = Sums()
    if let problem = walkOpenAI(schema, [], 1, &sums) {
      return "Invalid schema for response_format '\(name)': \(problem)"
    }
    if sums.properties > propertiesMax || sums.enumValues > enumMax {
      return "Invalid schema for response_format '\(name)': the schema exceeds the size limit."
    }
    return nil
  }

  private static func walkOpenAI(
    _ schema: JSONValue, _ context: [String], _ depth: Int, _ sums: inout Sums
  ) -> String? {
    guard let object = schema.objectValue else { return nil }
    let place = "In context=(\(context.map { "'\($0)'" }.joined(separator: ", "))), "
    for key in openAIRefused where object.contains(key) {
      return place + "'\(key)' is not permitted."
    }
    sums.enumValues += object["enum"]?.arrayValue?.count ?? 0
    var depth = depth
    if let properties = object["properties"]?.objectValue
      ?? (object["type"]?.stringValue == "object" ? JSONObject() : nil)
    {
      guard depth <= depthMax else { return "the schema exceeds \(depthMax) levels of nesting." }
      depth += 1
      sums.properties += properties.count
      guard object["additionalProperties"] == .bool(false) else {
        return place + "'additionalProperties' is required to be supplied and to be false."
      }
      let required = Set(object["required"]?.arrayValue?.compactMap(\.stringValue) ?? [])
      if let missing = properties.keys.first(where: { !required.contains($0) }) {
        return place + "'required' is required to be supplied and to be an array including every "
          + "key in properties. Missing '\(missing)'."
      }
    }
    for (key, child) in children(of: object) {
      if let problem = walkOpenAI(child, context + key, depth, &sums) { return problem }
    }
    return nil
  }

  private static func children(of object: JSONObject) -> [(key: [String], value: JSONValue)] {
    var found: [(key: [String], value: JSONValue)] = []
    for group in ["properties", "$defs", "definitions"] {
      for (key, value) in object[group]?.objectValue ?? JSONObject() {
        found.append(([group, key], value))
      }
    }
    if let items = object["items"] { found.append((["items"], items)) }
    for group in ["anyOf", "oneOf", "allOf"] {
      for (index, value) in (object[group]?.arrayValue ?? []).enumerated() {
        found.append(([group, String(index)], value))
      }
    }
    return found
  }
}
