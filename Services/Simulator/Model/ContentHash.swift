import JSON

/// A 64-bit hash of what a model would read: order, text and structure count, white space
/// between JSON tokens does not. For seeds and cache keys; not against an adversary.
package struct ContentHash: Sendable {
  package private(set) var value: UInt64

  package init(seed: UInt64 = 0) { value = seed ^ 0x5851_F42D_4C95_7F2D }

  @inline(__always)
  package mutating func mix(_ word: UInt64) {
    value = (value ^ word) &* 0x9E37_79B9_7F4A_7C15
    value ^= value >> 32
  }

  mutating func text(_ text: String) {
    let bytes = text.utf8Span.span
    var index = 0
    let whole = bytes.count & ~7
    while index < whole {
      var word: UInt64 = 0
      for offset in 0..<8 { word |= UInt64(bytes[index + offset]) << UInt64(offset * 8) }
      mix(word)
      index += 8
    }
    var last: UInt64 = 0
    var shift: UInt64 = 0
    while index < bytes.count {
      last |= UInt64(bytes[index]) << shift
      shift += 8
      index += 1
    }
    mix(last)
    mix(UInt64(bytes.count))
  }

  /// Bytes of a text that is hashed in pieces.
  mutating func bytes(_ bytes: Substring.UTF8View) {
    for byte in bytes { mix(UInt64(byte)) }
    mix(UInt64(bytes.count))
  }

  /// A whole value; members of the outermost object that are named in `skipping` do not count.
  mutating func json(_ value: JSONValue, skipping: Set<String> = []) {
    switch value {
    case .null: mix(1)
    case .bool(let flag): mix(flag ? 3 : 2)
    case .number(let number):
      mix(4)
      text(number.text)
    case .string(let string):
      mix(5)
      text(string)
    case .array(let elements):
      mix(6)
      for element in elements { json(element) }
      mix(7)
    case .object(let object):
      mix(8)
      for (key, member) in object where skipping.isEmpty || !skipping.contains(key) {
        text(key)
        json(member)
      }
      mix(9)
    }
  }

  static func of(_ value: JSONValue, skipping: Set<String> = []) -> UInt64 {
    var hash = ContentHash()
    hash.json(value, skipping: skipping)
    return hash.value
  }
}

/// SplitMix64: the same numbers for the same seed, on every machine.
package struct SeedSequence: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(_ seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// From 0 up to, and without, 1.
  package mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

  package mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(next() % UInt64(bound)) }
}
