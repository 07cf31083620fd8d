package import Faults

/// Why a text is no address.
package struct MeshAddressError: Error, Equatable, Sendable {
  package let text: String
  /// What is wrong with it, as it reads behind "is".
  package let objection: String

  static let forms = "unix:/path, unix-dir:/directory, tcp://host:port or dns:///name:port"
}

extension MeshAddressError: CustomStringConvertible {
  package var description: String { "The address '\(text)' is \(objection)." }
}

extension MeshAddressError: FaultConvertible {
  package var fault: Fault {
    Fault(
      .invalidArgument, reason: "BAD_ADDRESS", description,
      hint: "Write \(MeshAddressError.forms).")
  }
}
