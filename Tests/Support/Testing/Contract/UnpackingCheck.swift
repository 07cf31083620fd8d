// TestingContract: the messages and services that only tests speak: gRPC's interop suite, an
// echo, and one message with every feature of the language. Nearly all of it is generated.
import Protobuf

/// What must hold for any bytes that are read as a message; a fuzzer's way in.
package enum UnpackingCheck {
  /// Unpacks any bytes as the message of every feature; does nothing when they are refused.
  /// When they are not: packing what was read, and reading that, must give the same bytes again.
  package static func run(_ bytes: RawSpan) throws(UnpackingFinding) {
    guard let message = try? Features(unpacking: bytes) else { return }
    let packed = message.packed()
    let again: Features
    do {
      again = try Features(unpacking: packed)
    } catch {
      throw UnpackingFinding(description: "what we packed is refused: \(error)")
    }
    guard again.packed() == packed else {
      throw UnpackingFinding(description: "packing \(packed) again gives something else")
    }
  }

  /// The same for an array.
  package static func run(_ bytes: [UInt8]) throws(UnpackingFinding) {
    try unsafe run(bytes.span.bytes)
  }
}

/// A message that did not come back as it was.
package struct UnpackingFinding: Error, Equatable, CustomStringConvertible {
  package let description: String
}
