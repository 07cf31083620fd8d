/// The five bytes before every message: a compression flag and the length, big-endian.
package enum MessagePrefix {
  /// Room for a small message and its prefix.
  private static let firstBytes = 256

  /// Makes room for a prefix; `fill` writes it when the message behind it is complete.
  package static func reserve(in bytes: inout [UInt8]) -> Int {
    let start = bytes.count
    // Else a small message allocates twice: for the prefix, then for itself.
    if start == 0 { bytes.reserveCapacity(MessagePrefix.firstBytes) }
    for _ in 0..<MessageDeframer.prefixBytes { bytes.append(0) }
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
