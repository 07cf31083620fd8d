import Digest

/// The name of a blob: SHA-256 over its bytes, written as 64 lower-case digits and no other way.
package struct BlobHash: Hashable, Sendable {
  package let bytes: [UInt8]

  /// Nil unless there are 32.
  package init?(bytes: [UInt8]) {
    guard bytes.count == SHA256.byteCount else { return nil }
    self.bytes = bytes
  }

  /// The name of these bytes.
  package init(of bytes: [UInt8]) {
    var digest = SHA256()
    digest.update(bytes)
    self.init(digest)
  }

  init(_ digest: consuming SHA256) { bytes = digest.finish() }

  /// Nil for anything but a hash as it is written here: it becomes a path.
  package init?(_ text: String) {
    guard text.utf8.count == SHA256.byteCount * 2 else { return nil }
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in text.utf8 {
      let value: UInt8
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
      default: return nil
      }
      if let first = high.take() { bytes.append(first << 4 | value) } else { high = value }
    }
    self.bytes = bytes
  }

  package var text: String { Hex.text(bytes) }
}

extension BlobHash: CustomStringConvertible {
  package var description: String { text }
}
