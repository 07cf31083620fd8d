import Faults
import GRPCFormat
import RPC
import StoreBackend

/// Whose facts a call is about: the one place where a scope is made from what a caller says.
///
/// Who may say it is limited before: each method's callers stand in its proto.
struct ProductAuthenticator: Sendable {
  static let header = "assay-product"

  /// The product named by the metadata; the standard one when none is.
  func product(of context: ServerContext) throws(Fault) -> ProductScope {
    var found: ProductScope?
    for entry in context.metadata.entries where entry.name == Self.header {
      guard found == nil, let name = String(validating: entry.value, as: UTF8.self) else {
        throw Fault(
          .invalidArgument, reason: "BAD_PRODUCT", "A call is about one product.",
          hint: "Send \(Self.header) once.")
      }
      found = try ProductScope(name)
    }
    return found ?? .standard
  }
}
