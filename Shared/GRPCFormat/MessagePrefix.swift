/// The five bytes before every message: a compression flag and the length, big-endian.
package enum MessagePrefix {
  /// Makes room for a prefix; `fill` writes it when the message behind it is complete.
  package static func reserve(in bytes: inout [UInt8]) -> Int {
    let start = bytes.count
    bytes.append(contentsOf: [0, 0, 0, 0, 0])
    return start
  }

  /// Writes the prefix at `start` for everything that was appended behind it.
  package static func fill(_ bytes: inout [UInt8], at start: Int, compressed: Bool = false) {
    let length = bytes.count - start - MessageDeframer.prefixBytes
    bytes[start] = compressed ? 1 : 0
    bytes[start + 1] = UInt8(truncatingIfNeeded: length >> 24)
    bytes[start + 2] = UInt8(truncatingIfNeeded: length >> 16)
    bytes[start + 3] = UInt8(truncatingIfNeeded: length >> 8)
    bytes[start + 4] = UInt8(truncatingIfNeeded: length)
  }
}
