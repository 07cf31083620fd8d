import Glibc

extension RawSpan {
  /// The bytes as text, repaired where they are no UTF-8.
  package var text: String {
    unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// Whether these are exactly the bytes of `other`.
  package func equals(_ other: [UInt8]) -> Bool {
    guard byteCount == other.count else { return false }
    return unsafe withUnsafeBytes { bytes in
      unsafe other.withUnsafeBytes { others in
        guard let start = bytes.baseAddress, let other = others.baseAddress else { return true }
        return unsafe memcmp(start, other, bytes.count) == 0
      }
    }
  }

  /// Whether these are exactly the bytes of `other`.
  package func equals(_ other: StaticString) -> Bool {
    guard byteCount == other.utf8CodeUnitCount else { return false }
    return unsafe withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return true }
      return unsafe memcmp(start, other.utf8Start, bytes.count) == 0
    }
  }
}
