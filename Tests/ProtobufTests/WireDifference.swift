import Descriptors
import RPC
import TestingContract

/// Where protobuf-c 1.4.1 and Python's protobuf differ on purpose or by nature. A message that
/// has none of these must be refused by both, or taken by both with the same content.
enum WireDifference: Hashable {
  /// protobuf-c knows no groups and refuses them; Python keeps them as unknown fields.
  case group
  /// protobuf-c takes field number 0, or one above 2^29 - 1, for an unknown field; Python refuses.
  case fieldNumber
  /// protobuf-c refuses a known field of another wire type; for Python it is an unknown field.
  case wireType
  /// A singular message given twice: protobuf-c's merging loses fields without presence.
  case merge
  /// protobuf-c does not pack -0.0 in a field without presence.
  case negativeZero
  /// A string that is not UTF-8 where a later value takes its place: protobuf-c has forgotten it
  /// by the time that we look.
  case overwrittenText
  /// An entry of a map with more than a key and a value: Python puts the whole entry among the
  /// unknown fields, protobuf-c only what it does not know of it.
  case mapEntry
}

/// Finds what stands in the bytes of a Features, as far as they can be read.
struct WireDifferenceFinder {
  private let schema: SchemaSet
  private var found: Set<WireDifference> = []
  private var hasBadText = false

  init() throws {
    schema = try SchemaSet(reading: EchoMethods.descriptor.descriptorSet())
  }

  mutating func differences(in bytes: [UInt8]) throws -> Set<WireDifference> {
    found = []
    if let message = schema.message(Features.wireName) { _ = walk(bytes[...], message) }
    return found
  }

  /// Collects differences; false where the walk cannot go on.
  private mutating func walk(_ bytes: ArraySlice<UInt8>, _ message: MessageSchema) -> Bool {
    var reader = WireReader(bytes)
    var singular: Set<Int32> = []
    var badPlaces: Set<Int32> = []
    do {
      while let raw = try reader.next() {
        if case .group = raw.value { found.insert(.group) }
        guard let field = message.field(number: raw.number) else {
          if message.isMapEntry { found.insert(.mapEntry) }
          continue
        }
        guard Self.fits(raw.value, field) else {
          found.insert(.wireType)
          continue
        }
        noteZero(raw.value, field)
        // Fields of one oneof share a place; no field has a negative number.
        let place = field.oneofIndex.map { -1 - Int32($0) } ?? raw.number
        if !field.isRepeated, badPlaces.contains(place) { found.insert(.overwrittenText) }
        if field.kind == .string, case .bytes(let text) = raw.value,
          String(validating: text, as: UTF8.self) == nil
        {
          hasBadText = true
          badPlaces.insert(place)
        }
        guard field.kind == .message, case .bytes(let inner) = raw.value else { continue }
        if !field.isRepeated, !singular.insert(raw.number).inserted { found.insert(.merge) }
        let hadBadText = hasBadText
        hasBadText = false
        guard let type = schema.message(field.typeName), walk(inner, type) else { return false }
        if hasBadText { badPlaces.insert(place) }
        hasBadText = hasBadText || hadBadText
      }
      return true
    } catch {
      if error.message.hasPrefix("field number") { found.insert(.fieldNumber) }
      return false
    }
  }

  private mutating func noteZero(_ value: WireField.Value, _ field: FieldSchema) {
    guard !field.isRepeated, field.oneofIndex == nil else { return }
    switch (field.kind, value) {
    case (.double, .fixed64(1 << 63)), (.float, .fixed32(1 << 31)): found.insert(.negativeZero)
    default: break
    }
  }

  private static func fits(_ value: WireField.Value, _ field: FieldSchema) -> Bool {
    if field.isRepeated, field.kind.isPackable, case .bytes = value { return true }
    switch (field.kind, value) {
    case (.double, .fixed64), (.fixed64, .fixed64), (.sfixed64, .fixed64): return true
    case (.float, .fixed32), (.fixed32, .fixed32), (.sfixed32, .fixed32): return true
    case (.string, .bytes), (.bytes, .bytes), (.message, .bytes): return true
    case (.double, _), (.fixed64, _), (.sfixed64, _), (.float, _), (.fixed32, _), (.sfixed32, _),
      (.string, _), (.bytes, _), (.message, _), (.group, _):
      return false
    case (_, .varint): return true
    default: return false
    }
  }
}
