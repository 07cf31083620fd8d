package import Faults

/// Whose facts: first part of every key. Made by the authenticator from what a trusted caller
/// says, so that no query can be written without one.
package struct ProductScope: Sendable, Hashable, CustomStringConvertible {
  package let name: String

  /// For callers that name none: a mesh with one product.
  package static let standard = ProductScope(checked: "default")

  private init(checked name: String) { self.name = name }

  /// 1 to 63 lower-case letters, digits, dashes and dots.
  package init(_ name: String) throws(Fault) {
    let isName =
      (1...63).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D
          || byte == 0x2E
      }
    guard isName else {
      throw Fault(
        .invalidArgument, reason: "BAD_PRODUCT", "This is no name of a product.",
        hint: "Use 1 to 63 lower-case letters, digits, dashes and dots.")
    }
    self.name = name
  }

  package var description: String { name }
}
