// Digest: hashes that name things: content, call keys, unit keys. It wraps OpenSSL's digests and
// nothing else of it; it never keeps a key. Limits: none of its own, it holds 32 bytes and a state.

import CCrypto

/// SHA-256 over bytes as they come.
///
/// Not thread safe; one value makes one digest.
@safe package struct SHA256: ~Copyable {
  private var state = SHA256_CTX()

  package static let byteCount = 32

  package init() {
    let code = unsafe SHA256_Init(&state)
    precondition(code == 1, "OpenSSL offers no SHA-256.")
  }

  package mutating func update(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { buffer in
      guard let start = buffer.baseAddress else { return }
      _ = unsafe SHA256_Update(&state, start, buffer.count)
    }
  }

  package mutating func update(_ bytes: [UInt8]) { update(unsafe bytes.span.bytes) }

  package mutating func update(_ bytes: ArraySlice<UInt8>) { update(unsafe bytes.span.bytes) }

  /// The text's UTF-8, behind its length: two texts in a row never look like another two.
  package mutating func update(field text: String) {
    var text = text
    updateLength(text.utf8.count)
    text.withUTF8 { buffer in
      guard let start = buffer.baseAddress else { return }
      _ = unsafe SHA256_Update(&state, start, buffer.count)
    }
  }

  private mutating func updateLength(_ count: Int) {
    unsafe withUnsafeBytes(of: UInt64(count).littleEndian) { buffer in
      _ = unsafe SHA256_Update(&state, buffer.baseAddress, buffer.count)
    }
  }

  /// The bytes behind their length.
  package mutating func update(field bytes: [UInt8]) {
    updateLength(bytes.count)
    update(bytes)
  }

  /// The digest's 32 bytes; the value is spent.
  package consuming func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: SHA256.byteCount)
    unsafe digest.withUnsafeMutableBufferPointer { buffer in
      _ = unsafe SHA256_Final(buffer.baseAddress, &state)
    }
    return digest
  }

  /// The same as 64 lower-case digits.
  package consuming func finishHex() -> String { Hex.text(finish()) }
}

/// Bytes as lower-case hexadecimal.
package enum Hex {
  private static let digits = Array("0123456789abcdef".utf8)

  /// Two digits a byte.
  package static func text(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
