/// The name under which a call is settled for ever. Chosen by the caller, unique in its product;
/// a call that came without one is named here.
package struct CallKey: Hashable, Sendable, CustomStringConvertible {
  package static let byteCountMax = 200

  package let text: String

  /// nil unless the text is 1 to 200 printable ASCII characters without spaces.
  package init?(_ text: String) {
    guard (1...Self.byteCountMax).contains(text.utf8.count),
      text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else { return nil }
    self.text = text
  }

  package var description: String { text }
}
