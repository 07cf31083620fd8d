import Faults
import JSON

// Numbers and enums from JSON: as numbers, or as text in the same spelling.
extension JSONMapping {
  func signed<Number: FixedWidthInteger & SignedInteger>(
    _ value: JSONValue, at path: JSONPath
  ) throws(MappingError) -> Number {
    let number = try number(value, "a whole number", at: path)
    guard let whole = number.int64.flatMap(Number.init(exactly:)) else {
      throw MappingError(
        .outOfRange, at: path.text,
        "\(number.text) is not a whole number from \(Number.min) to \(Number.max)")
    }
    return whole
  }

  func unsigned<Number: FixedWidthInteger & UnsignedInteger>(
    _ value: JSONValue, at path: JSONPath
  ) throws(MappingError) -> Number {
    let number = try number(value, "a whole number", at: path)
    guard let whole = number.uint64.flatMap(Number.init(exactly:)) else {
      throw MappingError(
        .outOfRange, at: path.text, "\(number.text) is not a whole number from 0 to \(Number.max)")
    }
    return whole
  }

  func double(_ value: JSONValue, at path: JSONPath) throws(MappingError) -> Double {
    switch value.stringValue {
    case "NaN": return .nan
    case "Infinity": return .infinity
    case "-Infinity": return -.infinity
    default: break
    }
    let number = try number(value, "a number", at: path)
    guard let double = number.double else {
      throw MappingError(.outOfRange, at: path.text, "\(number.text) is too large")
    }
    return double
  }

  func float(_ value: JSONValue, at path: JSONPath) throws(MappingError) -> Float {
    let double = try double(value, at: path)
    let float = Float(double)
    guard float.isFinite || !double.isFinite else {
      throw MappingError(.outOfRange, at: path.text, "\(double) is too large for a float")
    }
    return float
  }

  private func number(
    _ value: JSONValue, _ expected: String, at path: JSONPath
  ) throws(MappingError) -> JSONNumber {
    if let number = value.numberValue { return number }
    guard let number = value.stringValue.flatMap({ JSONNumber($0) }) else {
      throw wrongKind(expected, at: path)
    }
    return number
  }

  func enumNumber(
    _ value: JSONValue, _ field: FieldSchema, at path: JSONPath
  ) throws(MappingError) -> Int32 {
    guard let name = value.stringValue else {
      guard value.numberValue != nil else { throw wrongKind("a name or a number", at: path) }
      return try signed(value, at: path)
    }
    let values = schema.enum(field.typeName)?.values ?? []
    guard let known = values.first(where: { $0.name == name }) else {
      let names = values.map(\.name)
      let suggestion = Spelling.suggestion(for: name, among: names)
      throw MappingError(
        .unknownEnumValue(nearest: Spelling.nearest(to: name, among: names)), at: path.text,
        "\(field.typeName) has no value '\(name)'\(suggestion)")
    }
    return known.number
  }
}
