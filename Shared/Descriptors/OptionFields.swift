/// The options of a file, method or field as raw fields, extensions included: what an extension
/// means, its reader knows.
package struct OptionFields: Equatable, Sendable {
  package private(set) var fields: [WireField] = []

  package init() {}

  mutating func add(_ bytes: ArraySlice<UInt8>) throws(SchemaError) {
    var reader = WireReader(bytes)
    while let field = try reader.next() { fields.append(field) }
  }

  /// The last value of a varint option.
  package func varint(_ number: Int32) -> UInt64? {
    for field in fields.reversed() where field.number == number {
      if case .varint(let value) = field.value { return value }
    }
    return nil
  }

  /// The bytes of a string or message option; occurrences are joined, which is how messages merge.
  package func bytes(_ number: Int32) -> [UInt8]? {
    var result: [UInt8]?
    for field in fields where field.number == number {
      if case .bytes(let value) = field.value { result = (result ?? []) + value }
    }
    return result
  }
}
