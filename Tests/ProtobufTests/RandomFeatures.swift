import TestSupport
import TestingContract
import WellKnown

/// Random messages of every feature.
struct RandomFeatures {
  var random: SeededRandom

  mutating func next() -> Features {
    var message = Features()
    fillPlain(&message)
    fillOptional(&message)
    fillRepeated(&message)
    fillMaps(&message)
    fillRest(&message)
    return message
  }

  private mutating func isSet() -> Bool { UInt8.random(in: 0..<10, using: &random) < 4 }

  private mutating func integer<Number: FixedWidthInteger>() -> Number {
    switch UInt8.random(in: 0..<4, using: &random) {
    case 0: [Number.min, .max, 0, 1].randomElement(using: &random) ?? 0
    case 1: Number.random(in: .min ... .max, using: &random)
    default:
      Number(truncatingIfNeeded: random.next() >> UInt64.random(in: 0..<64, using: &random))
    }
  }

  /// Negative zero only where a field has presence: protobuf-c does not pack it elsewhere.
  private mutating func floating(withNegativeZero: Bool = true) -> Double {
    let values = [0, 1, -1.5, 0.1, 1e30, -1e-30, .infinity, -.infinity, .nan, -0.0]
    let value = values.randomElement(using: &random) ?? 0
    return withNegativeZero || value != 0 ? value : 0
  }

  private mutating func text() -> String {
    let pieces = ["", "a", "\0", "é", "日本", "\u{1F333}", "\u{10FFFF}", "plain text ", "\"\\"]
    return (0..<Int.random(in: 0..<6, using: &random))
      .map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
  }

  private mutating func shade() -> Shade {
    let known: [Shade] = [.unspecified, .light, .deepBlue, .negative, .largest]
    return isSet() ? Shade(rawValue: integer()) : known.randomElement(using: &random) ?? .light
  }

  private mutating func leaf() -> Leaf { Leaf(name: text(), weight: integer()) }

  private mutating func many<Value>(_ make: (inout Self) -> Value) -> [Value] {
    isSet() ? (0..<Int.random(in: 0..<5, using: &random)).map { _ in make(&self) } : []
  }

  private mutating func map<Key: Hashable, Value>(
    _ key: (inout Self) -> Key, _ value: (inout Self) -> Value
  ) -> [Key: Value] {
    Dictionary(many { (key(&$0), value(&$0)) }, uniquingKeysWith: { _, last in last })
  }

  private mutating func maybe<Value>(_ make: (inout Self) -> Value) -> Value? {
    isSet() ? make(&self) : nil
  }

  private mutating func fillPlain(_ message: inout Features) {
    if isSet() { message.aDouble = floating(withNegativeZero: false) }
    if isSet() { message.aFloat = Float(floating(withNegativeZero: false)) }
    if isSet() { message.anInt32 = integer() }
    if isSet() { message.anInt64 = integer() }
    if isSet() { message.aUint32 = integer() }
    if isSet() { message.aUint64 = integer() }
    if isSet() { message.aSint32 = integer() }
    if isSet() { message.aSint64 = integer() }
    if isSet() { message.aFixed32 = integer() }
    if isSet() { message.aFixed64 = integer() }
    if isSet() { message.aSfixed32 = integer() }
    if isSet() { message.aSfixed64 = integer() }
    message.aBool = isSet()
    if isSet() { message.aString = text() }
    if isSet() { message.aBytes = random.bytes(countMax: 20) }
    message.aShade = shade()
    message.aLeaf = maybe { $0.leaf() }
    message.anInner = maybe {
      Features.Inner(
        mood: .init(rawValue: $0.integer()),
        innermost: .init(blob: $0.random.bytes(countMax: 9), moods: [.wild, .calm]),
        leaves: $0.many { $0.leaf() })
    }
  }

  private mutating func fillOptional(_ message: inout Features) {
    message.maybeDouble = maybe { $0.floating() }
    message.maybeFloat = maybe { Float($0.floating()) }
    message.maybeInt32 = maybe { $0.integer() }
    message.maybeInt64 = maybe { $0.integer() }
    message.maybeUint32 = maybe { $0.integer() }
    message.maybeUint64 = maybe { $0.integer() }
    message.maybeSint32 = maybe { $0.integer() }
    message.maybeSint64 = maybe { $0.integer() }
    message.maybeFixed32 = maybe { $0.integer() }
    message.maybeFixed64 = maybe { $0.integer() }
    message.maybeSfixed32 = maybe { $0.integer() }
    message.maybeSfixed64 = maybe { $0.integer() }
    message.maybeBool = maybe { $0.isSet() }
    message.maybeString = maybe { $0.text() }
    message.maybeBytes = maybe { $0.random.bytes(countMax: 9) }
    message.maybeShade = maybe { $0.shade() }
    message.maybeLeaf = maybe { $0.leaf() }
  }

  private mutating func fillRepeated(_ message: inout Features) {
    message.doubles = many { $0.floating() }
    message.floats = many { Float($0.floating()) }
    message.int32s = many { $0.integer() }
    message.int64s = many { $0.integer() }
    message.uint32s = many { $0.integer() }
    message.uint64s = many { $0.integer() }
    message.sint32s = many { $0.integer() }
    message.sint64s = many { $0.integer() }
    message.fixed32s = many { $0.integer() }
    message.fixed64s = many { $0.integer() }
    message.sfixed32s = many { $0.integer() }
    message.sfixed64s = many { $0.integer() }
    message.bools = many { $0.isSet() }
    message.strings = many { $0.text() }
    message.blobs = many { $0.random.bytes(countMax: 9) }
    message.shades = many { $0.shade() }
    message.leaves = many { $0.leaf() }
    message.specks = many { _ in Speck() }
    message.unpackedInt32s = many { $0.integer() }
    message.unpackedShades = many { $0.shade() }
  }

  private mutating func fillMaps(_ message: inout Features) {
    message.texts = map({ $0.text() }, { $0.text() })
    message.leavesByNumber = map({ $0.integer() }, { $0.leaf() })
    message.countsByFlag = map({ $0.isSet() }, { $0.integer() })
    message.blobsById = map({ $0.integer() }, { $0.random.bytes(countMax: 9) })
    message.shadesByName = map({ $0.text() }, { $0.shade() })
    message.doublesBySint = map({ $0.integer() }, { $0.floating(withNegativeZero: false) })
    message.floatsByFixed = map({ $0.integer() }, { Float($0.floating(withNegativeZero: false)) })
    message.flagsByInt = map({ $0.integer() }, { $0.isSet() })
    message.durationsByName = map({ $0.text() }, { WireDuration(seconds: $0.integer()) })
  }

  private mutating func fillRest(_ message: inout Features) {
    message.pick = maybe {
      Samples.picks.randomElement(using: &$0.random) ?? .pickString($0.text())
    }
    message.other = maybe { $0.isSet() ? .left($0.text()) : .right($0.text()) }
    message.at = maybe { Timestamp(seconds: $0.integer(), nanos: $0.integer()) }
    message.took = maybe { WireDuration(seconds: $0.integer(), nanos: $0.integer()) }
    message.nothing = maybe { _ in Empty() }
    message.anything = maybe { WireAny(typeUrl: $0.text(), value: $0.random.bytes(countMax: 9)) }
    message.times = many { Timestamp(seconds: $0.integer()) }
    if isSet() { message.description = text() }
    message.init_ = many { $0.text() }
    if isSet() { message.last = text() }
  }
}
