// Descriptors: protobuf's wire format and descriptor sets in plain Swift, and messages whose
// type is known only at run time, as JSON. It is the slow and careful reader for tools
// (`assay call`, the generator, tests); a service's messages go through Protobuf instead. It
// never traps on bytes from outside and keeps nothing alive but copies. Limits: `SchemaLimits`.

/// Reads one message's fields in order; groups are handed over whole.
package struct WireReader: Sendable {
  /// The largest number that protobuf gives a field.
  package static let fieldNumberMax: Int32 = 536_870_911

  private var rest: ArraySlice<UInt8>
  private let depthMax: Int

  package init(_ bytes: ArraySlice<UInt8>, depthMax: Int = SchemaLimits.depthMax) {
    rest = bytes
    self.depthMax = depthMax
  }

  package init(_ bytes: [UInt8]) {
    self.init(bytes[...])
  }

  package var isAtEnd: Bool { rest.isEmpty }

  /// The next field, or nil at the end.
  package mutating func next() throws(SchemaError) -> WireField? {
    if rest.isEmpty { return nil }
    let key = try varint()
    guard let number = Int32(exactly: key >> 3), (1...Self.fieldNumberMax).contains(number) else {
      throw SchemaError(.malformed, "field number \(key >> 3) is out of range")
    }
    guard let kind = WireKind(rawValue: UInt8(key & 7)) else {
      throw SchemaError(.malformed, "an unknown wire type")
    }
    switch kind {
    case .varint: return WireField(number: number, value: .varint(try varint()))
    case .fixed64: return WireField(number: number, value: .fixed64(try fixed(8)))
    case .fixed32: return WireField(number: number, value: .fixed32(UInt32(try fixed(4))))
    case .bytes: return WireField(number: number, value: .bytes(try take(try varint())))
    case .groupStart: return WireField(number: number, value: .group(try group(number, depth: 1)))
    case .groupEnd: throw SchemaError(.malformed, "a group ends that never began")
    }
  }

  /// The next varint; also the way through a packed field.
  package mutating func varint() throws(SchemaError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = rest.popFirst() {
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
      guard shift < 70 else { throw SchemaError(.malformed, "a varint of more than 10 bytes") }
    }
    throw SchemaError(.malformed, "the bytes end inside a varint")
  }

  /// The next `count` bytes as a little-endian number; at most 8.
  package mutating func fixed(_ count: Int) throws(SchemaError) -> UInt64 {
    try take(UInt64(count)).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private mutating func take(_ count: UInt64) throws(SchemaError) -> ArraySlice<UInt8> {
    guard count <= UInt64(rest.count) else {
      throw SchemaError(.malformed, "a length goes beyond the end")
    }
    let taken = rest.prefix(Int(count))
    rest = rest.dropFirst(Int(count))
    return taken
  }

  private mutating func group(
    _ number: Int32, depth: Int
  ) throws(SchemaError) -> ArraySlice<UInt8> {
    guard depth <= depthMax else { throw SchemaError(.tooDeep, "groups nested too deep") }
    let start = rest
    while true {
      let before = rest.startIndex
      let key = try varint()
      let inner = Int32(truncatingIfNeeded: key >> 3)
      switch WireKind(rawValue: UInt8(key & 7)) {
      case .groupEnd:
        guard inner == number else { throw SchemaError(.malformed, "a group ends as another") }
        return start[start.startIndex..<before]
      case .groupStart: _ = try group(inner, depth: depth + 1)
      case .varint: _ = try varint()
      case .fixed64: _ = try take(8)
      case .fixed32: _ = try take(4)
      case .bytes: _ = try take(try varint())
      case nil: throw SchemaError(.malformed, "an unknown wire type")
      }
    }
  }
}

/// The six wire types of the encoding.
package enum WireKind: UInt8, Sendable {
  case varint = 0
  case fixed64 = 1
  case bytes = 2
  case groupStart = 3
  case groupEnd = 4
  case fixed32 = 5
}

/// One field as it stands in the bytes, its meaning not yet known.
package struct WireField: Equatable, Sendable {
  package enum Value: Equatable, Sendable {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes(ArraySlice<UInt8>)
    case group(ArraySlice<UInt8>)
  }

  package let number: Int32
  package let value: Value

  package init(number: Int32, value: Value) {
    self.number = number
    self.value = value
  }
}
