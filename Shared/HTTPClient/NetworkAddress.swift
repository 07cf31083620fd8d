import CCurl
import Glibc

/// One IPv4 or IPv6 address as the bytes that go over the wire.
package struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
  /// Four bytes, or sixteen.
  package let bytes: [UInt8]

  /// From the bytes of an address; nil for another count of them.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  /// From the canonical text only: four decimal parts, or IPv6 without a zone.
  ///
  /// `127.1`, `0x7f.0.0.1`, `0177.0.0.1` and `2130706433` are nil: `inet_aton` would take them.
  package init?(_ text: String) {
    var raw = [UInt8](repeating: 0, count: 16)
    guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
    if unsafe inet_pton(AF_INET, text, &raw) == 1 {
      bytes = Array(raw.prefix(4))
    } else if unsafe inet_pton(AF_INET6, text, &raw) == 1 {
      bytes = raw
    } else {
      return nil
    }
  }

  package var isIPv6: Bool { bytes.count == 16 }

  package var description: String {
    var text = [CChar](repeating: 0, count: 46)
    let family = isIPv6 ? AF_INET6 : AF_INET
    guard unsafe inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "?" }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// What sort of place an address leads to.
  package enum Kind: Hashable, Sendable {
    case `public`
    /// This machine; `0.0.0.0` and `::` among them, which the kernel takes for it.
    case loopback
    /// RFC 1918, unique local, shared (CGNAT) and benchmark networks.
    case `private`
    /// Never a provider: link-local, metadata services, multicast, reserved.
    case forbidden
  }

  /// The kind of the address, or of the IPv4 address that it carries inside.
  package var kind: Kind {
    guard isIPv6 else { return Self.kind(ofFour: bytes) }
    if bytes.starts(with: [UInt8](repeating: 0, count: 15)), bytes[15] <= 1 { return .loopback }
    if let four = embeddedFour { return Self.kind(ofFour: four) }
    if Self.metadata.contains(bytes) { return .forbidden }
    switch (bytes[0], bytes[1]) {
    case (0xFC...0xFD, _): return .private
    // Today's unicast is 2000::/3; of it, 2001:db8::/32 is for books and 2001::/23 for protocols.
    case (0x20, 0x01) where bytes[2] == 0x0D && bytes[3] == 0xB8: return .forbidden
    case (0x20, 0x01) where bytes[2] <= 1: return .forbidden
    case (0x3F, 0xFF): return .forbidden
    case (0x20...0x3F, _): return .public
    default: return .forbidden
    }
  }

  /// Addresses of metadata services that lie outside of the link-local range.
  private static let metadata: Set<[UInt8]> = [
    [100, 100, 100, 200], [168, 63, 129, 16],
    [0xFD, 0, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
    [0xFD, 0x20, 0, 0xCE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
  ]

  /// The IPv4 address inside one that is mapped, compatible, NAT64 or 6to4.
  private var embeddedFour: [UInt8]? {
    let zeros = [UInt8](repeating: 0, count: 10)
    if bytes.starts(with: zeros), bytes[10] == bytes[11], [0, 0xFF].contains(bytes[10]) {
      return Array(bytes[12...])
    }
    // ::ffff:0:a.b.c.d, the translated form.
    if bytes.starts(with: zeros.prefix(8) + [0xFF, 0xFF, 0, 0]) { return Array(bytes[12...]) }
    if bytes.starts(with: [0, 0x64, 0xFF, 0x9B]) { return Array(bytes[12...]) }
    if bytes.starts(with: [0x20, 0x02]) { return Array(bytes[2..<6]) }
    return nil
  }

  private static func kind(ofFour bytes: [UInt8]) -> Kind {
    if metadata.contains(bytes) { return .forbidden }
    switch (bytes[0], bytes[1], bytes[2]) {
    case (127, _, _): return .loopback
    case (0, 0, 0) where bytes[3] == 0: return .loopback
    case (10, _, _), (172, 16...31, _), (192, 168, _), (100, 64...127, _), (198, 18...19, _):
      return .private
    case (0, _, _), (169, 254, _), (192, 0, 0), (192, 0, 2), (192, 88, 99), (198, 51, 100),
      (203, 0, 113), (224..., _, _):
      return .forbidden
    default: return .public
    }
  }
}

/// Which addresses an upstream may resolve to.
package struct AddressPolicy: Hashable, Sendable {
  package var allowsLoopback: Bool
  package var allowsPrivate: Bool

  /// Public addresses, and what is said here; link-local, metadata, multicast and reserved never.
  package init(allowsLoopback: Bool = false, allowsPrivate: Bool = false) {
    self.allowsLoopback = allowsLoopback
    self.allowsPrivate = allowsPrivate
  }

  /// Whether a connection to this address may be made.
  package func allows(_ address: NetworkAddress) -> Bool {
    switch address.kind {
    case .public: true
    case .loopback: allowsLoopback
    case .private: allowsPrivate
    case .forbidden: false
    }
  }
}
