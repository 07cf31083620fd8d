import Digest
package import GatewayPipeline
package import HTTPServer

/// Who may ask, by the SHA-256 of their keys: what is looked up tells nothing of what is near.
package struct CallerDirectory: Sendable {
  private struct Entry: Sendable {
    let hash: [UInt8]
    let caller: Caller
  }

  /// By the first bytes of the hash; the rest is compared in a time that tells nothing.
  private var entries: [UInt64: [Entry]] = [:]

  package init() {}

  package mutating func add(_ caller: Caller, hash: [UInt8]) {
    entries[Self.place(of: hash), default: []].append(Entry(hash: hash, caller: caller))
  }

  package var isEmpty: Bool { entries.isEmpty }

  /// What is kept of a key.
  package static func hash(_ secret: RawSpan) -> [UInt8] {
    var digest = SHA256()
    digest.update(secret)
    return digest.finish()
  }

  /// The same of a key that was just made.
  package static func hash(_ secret: [UInt8]) -> [UInt8] {
    var digest = SHA256()
    digest.update(secret)
    return digest.finish()
  }

  /// Whoever sends the key of a product, in the way of either family.
  package func caller(of head: HTTPRequestHead) -> Caller? {
    if let key = head.headers.bytes("x-api-key") { return caller(key) }
    guard let value = head.headers.bytes("authorization") else { return nil }
    let scheme = "bearer ".utf8
    guard value.count > scheme.count,
      zip(value, scheme).allSatisfy({ $0 | 0x20 == $1 || $0 == $1 })
    else { return nil }
    return caller(value.dropFirst(scheme.count))
  }

  private func caller(_ secret: ArraySlice<UInt8>) -> Caller? {
    let hash = Self.hash(Array(secret))
    var found: Caller?
    for entry in entries[Self.place(of: hash)] ?? [] where Self.isEqual(entry.hash, hash) {
      found = entry.caller
    }
    return found
  }

  private static func place(of hash: [UInt8]) -> UInt64 {
    hash.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
