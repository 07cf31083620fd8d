/// A host that can be spoken to: a DNS name, or an address in its canonical form.
package struct HostName: Hashable, Sendable, CustomStringConvertible {
  /// As it stands in a URL: lower case; IPv6 in brackets.
  package let description: String
  /// Set when the host is an address: nobody resolves it.
  package let address: NetworkAddress?

  private static let bytesMax = 253
  private static let labelBytesMax = 63

  /// Refuses whatever one parser may read as another host than the next: see `HostNameTests`.
  package init(_ text: String) throws(HTTPClientError) {
    let bytes = Array(text.utf8)
    if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]") {
      guard let address = NetworkAddress(String(text.dropFirst().dropLast())), address.isIPv6 else {
        throw .requestRefused("A host in brackets is an IPv6 address without a zone")
      }
      self.address = address
      description = "[\(address)]"
      return
    }
    if let address = NetworkAddress(text), !address.isIPv6 {
      self.address = address
      description = address.description
      return
    }
    guard (1...Self.bytesMax).contains(bytes.count) else {
      throw .requestRefused("A host has 1 to \(Self.bytesMax) bytes")
    }
    let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard labels.allSatisfy(Self.isLabel), let last = labels.last, !Self.isNumeric(last) else {
      throw .requestRefused(
        "A host is a name of letters, digits, - and _ whose last part is no number, four decimal "
          + "parts, or IPv6 in brackets")
    }
    address = nil
    description = text.lowercased()
  }

  private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
    guard (1...labelBytesMax).contains(label.count), label.first != UInt8(ascii: "-"),
      label.last != UInt8(ascii: "-")
    else { return false }
    return label.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }

  /// Whether the C library might take the name for an address: 1, 0x7f, 017, 0x.
  private static func isNumeric(_ label: ArraySlice<UInt8>) -> Bool {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    if label.allSatisfy(digits.contains) { return true }
    let isHexMarked =
      label.count >= 2 && label.first == UInt8(ascii: "0")
      && label[label.startIndex + 1] | 0x20 == UInt8(ascii: "x")
    return isHexMarked
      && label.dropFirst(2).allSatisfy {
        digits.contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0 | 0x20)
      }
  }
}
