/// The call keys that were ever used, as bits: says for certain that a key is new, so that a new
/// call asks no file. Of keys that may have been used, the file is asked.
package struct CallKeyFilter: Sendable {
  private var bits: [UInt64]
  private let mask: Int
  private static let bitsPerKey = 16
  private static let bitsMin = 1 << 20

  /// For so many keys, and as many again; with more of them it asks the file more often.
  package init(keyCount: Int) {
    var count = Self.bitsMin
    while count < 2 * keyCount * Self.bitsPerKey, count < LedgerLimits.filterBitsMax { count *= 2 }
    bits = [UInt64](repeating: 0, count: count / 64)
    mask = count - 1
  }

  package func mayContain(_ name: CallName) -> Bool {
    let (first, second) = places(name)
    return isSet(first) && isSet(second)
  }

  package mutating func insert(_ name: CallName) {
    let (first, second) = places(name)
    bits[first >> 6] |= 1 << UInt64(first & 63)
    bits[second >> 6] |= 1 << UInt64(second & 63)
  }

  private func isSet(_ place: Int) -> Bool {
    bits[place >> 6] & 1 << UInt64(place & 63) != 0
  }

  private func places(_ name: CallName) -> (Int, Int) {
    let hash = name.hashValue
    return (hash & mask, (hash >> 32) & mask)
  }
}
