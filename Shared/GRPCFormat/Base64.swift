/// Base64 as gRPC uses it: written without padding unless it is asked for, read with or without.
package enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 0xff, count: 256)
    for (index, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(index) }
    return table
  }()

  /// Without padding, as gRPC writes it, or with it, as others do.
  package static func encode(
    _ bytes: some Collection<UInt8>, isPadded: Bool = false
  ) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    var bits: UInt32 = 0
    var held = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      held += 8
      while held >= 6 {
        held -= 6
        out.append(alphabet[Int(bits >> UInt32(held) & 63)])
      }
    }
    if held > 0 { out.append(alphabet[Int(bits << UInt32(6 - held) & 63)]) }
    if isPadded { while out.count % 4 != 0 { out.append(UInt8(ascii: "=")) } }
    return out
  }

  /// Nil for a byte outside the alphabet, a wrong length or wrong padding.
  package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    let pad = UInt8(ascii: "=")
    let digits = text.prefix { $0 != pad }
    let padding = text.count - digits.count
    guard padding <= 2, padding == 0 || text.count % 4 == 0, digits.count % 4 != 1,
      text.dropFirst(digits.count).allSatisfy({ $0 == pad })
    else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(digits.count * 3 / 4)
    var bits: UInt32 = 0
    var held = 0
    for digit in digits {
      let value = values[Int(digit)]
      guard value != 0xff else { return nil }
      bits = bits << 6 | UInt32(value)
      held += 6
      if held >= 8 {
        held -= 8
        out.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
      }
    }
    return out
  }
}
