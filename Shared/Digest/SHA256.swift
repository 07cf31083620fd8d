// Digest: hashes that name things: content, call keys, unit keys. It wraps OpenSSL's digests and
// nothing else of it; it never keeps a key. Limits: none of its own, it holds 32 bytes and a state.

import CCrypto

/// SHA-256 over bytes as they come.
///
/// Not thread safe; one value makes one digest.
@safe package struct SHA256: ~Copyable {
  // Optional as C has it; never nil behind `init`.
  private let context: OpaquePointer?

  package static let byteCount = 32

  // Fetched once: EVP_sha256() makes every init look for the implementation again, which costs as
  // much as a short digest. OpenSSL's algorithms are never changed, and this one is never freed.
  private nonisolated(unsafe) static let algorithm = unsafe EVP_MD_fetch(nil, "SHA256", nil)

  package init() {
    unsafe context = EVP_MD_CTX_new()
    // Only memory can be short here, and Swift itself stops then.
    let code = unsafe EVP_DigestInit_ex(context, Self.algorithm, nil)
    precondition(code == 1, "OpenSSL offers no SHA-256.")
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  package mutating func update(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { buffer in
      _ = unsafe EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
    }
  }

  package mutating func update(_ bytes: [UInt8]) { update(unsafe bytes.span.bytes) }

  /// The text's UTF-8, behind its length: two texts in a row never look like another two.
  package mutating func update(field text: String) {
    update(field: Array(text.utf8))
  }

  /// The bytes behind their length.
  package mutating func update(field bytes: [UInt8]) {
    let count = UInt64(bytes.count)
    update((0..<8).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) })
    update(bytes)
  }

  /// The digest's 32 bytes; the value is spent.
  package consuming func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: SHA256.byteCount)
    unsafe digest.withUnsafeMutableBufferPointer { buffer in
      _ = unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
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
