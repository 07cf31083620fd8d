// GRPCFormat: what gRPC writes on top of HTTP/2, as values without I/O: metadata, timeouts,
// percent-encoded messages, base64 of `-bin` values, length-prefixed messages. It never opens a
// socket, never knows a method, and nothing a peer writes can make it trap. Limits stand beside
// what they bound.

/// Custom metadata of a call, in order; names are lower case, a name may come more than once.
package struct Metadata: Equatable, Sendable {
  package struct Entry: Equatable, Sendable {
    package let name: String
    /// The value itself: for `-bin` names the decoded bytes.
    package let value: [UInt8]
  }

  package private(set) var entries: [Entry] = []

  package init() {}

  package init(_ entries: [Entry]) { self.entries = entries }

  package var isEmpty: Bool { entries.isEmpty }

  /// Adds what came in somewhere else.
  package mutating func add(_ entry: Entry) { entries.append(entry) }

  /// Adds a text value; false when name or value cannot be sent (see `isSendable`).
  @discardableResult
  package mutating func add(_ name: String, _ value: String) -> Bool {
    let bytes = Array(value.utf8)
    guard Metadata.isSendable(name: name), !name.hasSuffix("-bin"),
      Metadata.isSendable(text: bytes)
    else { return false }
    entries.append(Entry(name: name, value: bytes))
    return true
  }

  /// Adds a binary value under a name that ends in `-bin`.
  @discardableResult
  package mutating func add(binary name: String, _ value: [UInt8]) -> Bool {
    guard Metadata.isSendable(name: name), name.hasSuffix("-bin") else { return false }
    entries.append(Entry(name: name, value: value))
    return true
  }

  /// Keeps what a peer sent; `-bin` values are decoded, several may be joined by commas.
  ///
  /// False when a `-bin` value is not base64.
  package mutating func addReceived(_ name: String, _ value: RawSpan) -> Bool {
    guard name.hasSuffix("-bin") else {
      entries.append(Entry(name: name, value: [UInt8](copying: value)))
      return true
    }
    for part in [UInt8](copying: value).split(
      separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    {
      let trimmed = part.drop { $0 == UInt8(ascii: " ") }
      guard let bytes = Base64.decode(trimmed) else { return false }
      entries.append(Entry(name: name, value: bytes))
    }
    return true
  }

  /// The first value under `name` as text; nil when there is none or it is not UTF-8.
  package subscript(name: String) -> String? {
    entries.first { $0.name == name }.flatMap { String(validating: $0.value, as: UTF8.self) }
  }

  /// The first value under `name` as bytes.
  package func bytes(_ name: String) -> [UInt8]? { entries.first { $0.name == name }?.value }

  /// The value as it goes on the wire: base64 without padding under `-bin` names.
  package static func wireValue(of entry: Entry) -> [UInt8] {
    entry.name.hasSuffix("-bin") ? Base64.encode(entry.value) : entry.value
  }

  /// Lower-case letters, digits, `_`, `-`, `.`; not one of gRPC's or HTTP/2's own names.
  package static func isSendable(name: String) -> Bool {
    guard !name.isEmpty, name.utf8.count <= MetadataLimits.nameBytesMax else { return false }
    guard !isReserved(name) else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
        true
      default: false
      }
    }
  }

  /// Names that belong to the protocol: never custom metadata.
  package static func isReserved(_ name: String) -> Bool {
    if name.hasPrefix(":") || name.hasPrefix("grpc-") { return true }
    switch name {
    case "content-type", "te", "user-agent", "host", "connection": return true
    default: return false
    }
  }

  /// Printable ASCII; anything else would be refused or cut by some peer.
  package static func isSendable(text: [UInt8]) -> Bool {
    text.allSatisfy { (0x20...0x7e).contains($0) } && text.first != 0x20 && text.last != 0x20
  }
}

/// Bounds on one entry.
package enum MetadataLimits {
  package static let nameBytesMax = 256
}

extension [UInt8] {
  /// The span's bytes, owned.
  package init(copying span: RawSpan) {
    self = unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
  }
}
