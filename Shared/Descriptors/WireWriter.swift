/// Writes fields in the order they are given.
package struct WireWriter: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// Seven bits a byte, the lowest first.
  package mutating func varint(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(value))
  }

  /// What stands before every value.
  package mutating func key(_ number: Int32, _ kind: WireKind) {
    varint(UInt64(UInt32(bitPattern: number)) << 3 | UInt64(kind.rawValue))
  }

  package mutating func fixed64(_ value: UInt64) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  package mutating func fixed32(_ value: UInt32) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  package mutating func field(_ number: Int32, varint value: UInt64) {
    key(number, .varint)
    varint(value)
  }

  package mutating func field(_ number: Int32, bytes value: some Collection<UInt8>) {
    key(number, .bytes)
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  package mutating func field(_ number: Int32, _ text: String) {
    field(number, bytes: Array(text.utf8))
  }

  /// A field as it was read.
  package mutating func field(_ field: WireField) {
    switch field.value {
    case .varint(let value): self.field(field.number, varint: value)
    case .bytes(let value): self.field(field.number, bytes: value)
    case .fixed64(let value):
      key(field.number, .fixed64)
      fixed64(value)
    case .fixed32(let value):
      key(field.number, .fixed32)
      fixed32(value)
    case .group(let value):
      key(field.number, .groupStart)
      bytes.append(contentsOf: value)
      key(field.number, .groupEnd)
    }
  }
}
