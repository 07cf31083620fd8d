/// Bytes as text, as JSON carries them.
package enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The value of each character of the standard and of the URL-safe alphabet.
  private static let values: [UInt8?] = {
    var values = [UInt8?](repeating: nil, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    values[Int(UInt8(ascii: "-"))] = 62
    values[Int(UInt8(ascii: "_"))] = 63
    return values
  }()

  /// Standard base64 with padding.
  package static func text(_ bytes: some Collection<UInt8>) -> String {
    var result: [UInt8] = []
    result.reserveCapacity((bytes.count + 2) / 3 * 4)
    var rest = bytes[...]
    while !rest.isEmpty {
      let group = Array(rest.prefix(3))
      rest = rest.dropFirst(3)
      let bits =
        UInt32(group[0]) << 16 | UInt32(group.count > 1 ? group[1] : 0) << 8
        | UInt32(group.count > 2 ? group[2] : 0)
      for index in 0..<4 {
        let isPadding = index > group.count
        let value = Int(bits >> (18 - 6 * UInt32(index)) & 63)
        result.append(isPadding ? UInt8(ascii: "=") : alphabet[value])
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The bytes of standard or URL-safe base64, padded or not; nil for anything else.
  package static func bytes(_ text: String) -> [UInt8]? {
    var characters = Array(text.utf8)[...]
    let full = characters.count
    while characters.last == UInt8(ascii: "=") { characters.removeLast() }
    let padding = full - characters.count
    guard characters.count % 4 != 1, padding == 0 || (full % 4 == 0 && padding < 3) else {
      return nil
    }
    var result: [UInt8] = []
    result.reserveCapacity(characters.count * 3 / 4)
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for character in characters {
      guard let value = values[Int(character)] else { return nil }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        result.append(UInt8(truncatingIfNeeded: bits >> count))
      }
    }
    return result
  }
}
