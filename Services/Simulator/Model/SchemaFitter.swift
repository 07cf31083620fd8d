import JSON

/// Makes a value that fits a JSON schema, the same for the same seed.
struct SchemaFitter {
  private let root: JSONValue
  private var random: SeedSequence
  /// Ids that an array of items echoes; taken by the first such array.
  private var itemIDs: [String]

  init(schema: JSONValue, seed: UInt64, itemIDs: [String]) {
    root = schema
    random = SeedSequence(seed)
    self.itemIDs = itemIDs
  }

  mutating func value() -> JSONValue { fit(root, 0) }

  private mutating func fit(_ given: JSONValue, _ depth: Int) -> JSONValue {
    guard depth < ModelLimits.schemaDepthMax else { return .null }
    let schema = resolved(given, depth)
    if let constant = schema["const"] { return constant }
    if let choices = schema["enum"]?.arrayValue, !choices.isEmpty {
      return choices[random.below(choices.count)]
    }
    for key in ["anyOf", "oneOf"] {
      guard let options = schema[key]?.arrayValue, !options.isEmpty else { continue }
      // Deep down the last is taken: by habit that is the one that does not recurse.
      let index = depth > 8 ? options.count - 1 : random.below(options.count)
      return fit(options[index], depth + 1)
    }
    switch type(of: schema) {
    case "object": return object(schema, depth)
    case "array": return array(schema, depth)
    case "integer": return integer(schema)
    case "number": return number(schema)
    case "boolean": return .bool(random.next() & 1 == 1)
    case "null": return .null
    default: return .string(text(schema))
    }
  }

  private mutating func type(of schema: JSONValue) -> String {
    if let name = schema["type"]?.stringValue { return name }
    if let names = schema["type"]?.arrayValue?.compactMap(\.stringValue), !names.isEmpty {
      let solid = names.filter { $0 != "null" }
      if solid.isEmpty || (solid.count < names.count && random.below(8) == 0) { return "null" }
      return solid[random.below(solid.count)]
    }
    if schema["properties"] != nil { return "object" }
    if schema["items"] != nil { return "array" }
    return "string"
  }

  // MARK: - References

  private func resolved(_ schema: JSONValue, _ depth: Int) -> JSONValue {
    var schema = schema
    var hops = 0
    while let reference = schema["$ref"]?.stringValue, hops < 16 {
      guard let target = target(of: reference) else { return .object(JSONObject()) }
      schema = target
      hops += 1
    }
    guard let parts = schema["allOf"]?.arrayValue, var merged = schema.objectValue else {
      return schema
    }
    merged["allOf"] = nil
    for part in parts {
      for (key, value) in resolved(part, depth + 1).objectValue ?? JSONObject() {
        merged[key] = Self.merge(merged[key], value)
      }
    }
    return .object(merged)
  }

  private func target(of reference: String) -> JSONValue? {
    guard reference.first == "#" else { return nil }
    return reference.dropFirst().split(separator: "/").reduce(Optional(root)) { place, step in
      place?[String(step)]
    }
  }

  private static func merge(_ old: JSONValue?, _ new: JSONValue) -> JSONValue {
    switch (old, new) {
    case (.object(var left)?, .object(let right)):
      for (key, value) in right { left[key] = value }
      return .object(left)
    case (.array(let left)?, .array(let right)): return .array(left + right)
    default: return new
    }
  }

  // MARK: - Containers

  private mutating func object(_ schema: JSONValue, _ depth: Int) -> JSONValue {
    let properties = schema["properties"]?.objectValue ?? JSONObject()
    let required = schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? []
    var result = JSONObject()
    // Required ones come first, as structured output has it.
    for key in required where !result.contains(key) {
      result[key] = fit(properties[key] ?? .object(["type": "string"]), depth + 1)
    }
    for (key, property) in properties where !result.contains(key) {
      guard depth < 8, random.next() & 1 == 0 else { continue }
      result[key] = fit(property, depth + 1)
    }
    return .object(result)
  }

  private mutating func array(_ schema: JSONValue, _ depth: Int) -> JSONValue {
    let items = resolved(schema["items"] ?? .object(["type": "string"]), depth)
    let countMin = max(0, schema["minItems"]?.intValue ?? 0)
    let countMax = max(countMin, schema["maxItems"]?.intValue ?? max(countMin, 4))
    if let key = ItemKey.of(items), !itemIDs.isEmpty {
      let ids = itemIDs
      itemIDs = []
      let kept = ids.prefix(schema["maxItems"] == nil ? ids.count : countMax)
      var elements = kept.map { id in element(items, key, id, depth) }
      while elements.count < countMin { elements.append(fit(items, depth + 1)) }
      return .array(elements)
    }
    let spread = depth > 6 ? 0 : min(countMax - countMin, 3)
    let count = min(countMin + (spread > 0 ? 1 + random.below(spread) : 0), 1000)
    return .array((0..<count).map { _ in fit(items, depth + 1) })
  }

  private mutating func element(
    _ items: JSONValue, _ key: String, _ id: String, _ depth: Int
  ) -> JSONValue {
    guard case .object(var object) = fit(items, depth + 1) else { return .null }
    let property = resolved(items["properties"]?[key] ?? .null, depth + 1)
    if let echo = Self.echo(of: id, as: property) { object[key] = echo }
    return .object(object)
  }

  /// The id as its property has it; nil where that would not fit.
  private static func echo(of id: String, as property: JSONValue) -> JSONValue? {
    let types = property["type"]?.arrayValue ?? [property["type"] ?? "string"]
    let number = JSONNumber(id)
    let options: [JSONValue?] = [
      types.contains("string") ? .string(id) : nil,
      types.contains("integer") && number?.int64 != nil ? number.map { .number($0) } : nil,
      types.contains("number") ? number.map { .number($0) } : nil,
    ]
    guard let value = options.compactMap({ $0 }).first else { return nil }
    if let choices = property["enum"]?.arrayValue { return choices.contains(value) ? value : nil }
    let bounds = ["const", "anyOf", "oneOf", "pattern", "format", "multipleOf"]
    guard !bounds.contains(where: { property[$0] != nil }) else { return nil }
    let size = value.doubleValue ?? Double(id.unicodeScalars.count)
    let isText = value.stringValue != nil
    let low = property[isText ? "minLength" : "minimum"]?.doubleValue ?? -.infinity
    let high = property[isText ? "maxLength" : "maximum"]?.doubleValue ?? .infinity
    let above = property["exclusiveMinimum"]?.doubleValue ?? -.infinity
    let below = property["exclusiveMaximum"]?.doubleValue ?? .infinity
    guard low <= size, size <= high, isText || (above < size && size < below) else { return nil }
    return value
  }

  // MARK: - Scalars

  private mutating func integer(_ schema: JSONValue) -> JSONValue {
    let step = max(1, schema["multipleOf"]?.intValue ?? 1)
    let low =
      schema["minimum"]?.doubleValue.map { $0.rounded(.up) }
      ?? schema["exclusiveMinimum"]?.doubleValue.map { $0.rounded(.down) + 1 }
    let high =
      schema["maximum"]?.doubleValue.map { $0.rounded(.down) }
      ?? schema["exclusiveMaximum"]?.doubleValue.map { $0.rounded(.up) - 1 }
    let first = Int(exactly: low ?? min(0, high ?? 0)) ?? 0
    let last = max(first, Int(exactly: high ?? Double(first) + 10) ?? first)
    let lowStep = first >= 0 ? (first + step - 1) / step : first / step
    let highStep = last >= 0 ? last / step : (last - step + 1) / step
    let span = highStep > lowStep ? min(highStep - lowStep, 1 << 40) : 0
    return .number((lowStep + random.below(span + 1)) * step)
  }

  private mutating func number(_ schema: JSONValue) -> JSONValue {
    if let step = schema["multipleOf"]?.doubleValue, step > 0 {
      let low = ((schema["minimum"]?.doubleValue ?? 0) / step).rounded(.up)
      let high = ((schema["maximum"]?.doubleValue ?? low * step + 10 * step) / step).rounded(.down)
      return .number((low + Double(random.below(Int(max(0, min(high - low, 1e6))) + 1))) * step)
    }
    let low = schema["minimum"]?.doubleValue ?? schema["exclusiveMinimum"]?.doubleValue
    let high = schema["maximum"]?.doubleValue ?? schema["exclusiveMaximum"]?.doubleValue
    let first = low ?? min(0, (high ?? 1) - 1)
    let last = max(first, high ?? first + 1)
    // Strictly between, in hundredths of the range.
    return .number(first + (last - first) * Double(1 + random.below(99)) / 100)
  }

  private mutating func text(_ schema: JSONValue) -> String {
    switch schema["format"]?.stringValue {
    case "date": return "2026-0\(1 + random.below(9))-1\(random.below(10))"
    case "time": return "1\(random.below(10)):30:00Z"
    case "date-time": return "2026-0\(1 + random.below(9))-1\(random.below(10))T12:00:00Z"
    case "duration": return "PT\(1 + random.below(59))M"
    case "email": return "\(AnswerWords.word(&random))@example.com"
    case "hostname": return "\(AnswerWords.word(&random)).example.com"
    case "uri": return "https://example.com/\(AnswerWords.word(&random))"
    case "ipv4": return "192.0.2.\(random.below(256))"
    case "ipv6": return "2001:db8::\(1 + random.below(9))"
    case "uuid":
      let digits = (0..<12).map { _ in String(random.below(10)) }.joined()
      return "00000000-0000-4000-8000-\(digits)"
    default: break
    }
    var text = AnswerWords.sentence(2 + random.below(5), &random)
    let countMin = min(max(0, schema["minLength"]?.intValue ?? 0), 1 << 20)
    while text.unicodeScalars.count < countMin { text += " " + AnswerWords.word(&random) }
    if let countMax = schema["maxLength"]?.intValue, countMax >= 0 {
      text = String(String.UnicodeScalarView(text.unicodeScalars.prefix(countMax)))
    }
    return text
  }
}

/// Which property of an item names it.
package enum ItemKey {
  static func of(_ items: JSONValue) -> String? {
    guard let properties = items["properties"]?.objectValue else { return nil }
    return properties.keys.first(where: isID)
  }

  package static func isID(_ key: String) -> Bool {
    let lower = key.lowercased()
    return lower == "id" || lower == "key" || lower.hasSuffix("_id") || key.hasSuffix("Id")
  }
}

/// The words that answers are made of.
enum AnswerWords {
  private static let words = """
    the kitchen roof is in good order and light with a new floor some wear on window frames paint \
    recent bright large garden small garage dry solid clean old stone wood tile warm quiet south \
    view room bath plain simple honest clear score fair strong weak even steady likely shown noted \
    seen measured sound level open narrow wide
    """.split(separator: " ").map(String.init)

  private static let wordBytes = words.map { Array($0.utf8) }

  static func word(_ random: inout SeedSequence) -> String {
    words[random.below(words.count)]
  }

  static func sentence(_ count: Int, _ random: inout SeedSequence) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(count * 8)
    for index in 0..<max(1, count) {
      if index > 0 { text.append(0x20) }
      text += wordBytes[random.below(wordBytes.count)]
    }
    return String(decoding: text, as: UTF8.self)
  }
}
