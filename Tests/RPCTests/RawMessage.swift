import Faults
import GRPCFormat
import Protobuf

/// A message that is just its bytes: the call layer is tested without any proto.
struct RawMessage: WireMessage, ExpressibleByStringLiteral {
  var bytes: [UInt8]

  static var wireName: String { "test.Raw" }

  init() { bytes = [] }
  init(_ bytes: [UInt8]) { self.bytes = bytes }
  init(_ text: String) { bytes = Array(text.utf8) }
  init(stringLiteral text: String) { self.init(text) }
  init(unpacking bytes: RawSpan) throws(WireError) { self.bytes = [UInt8](copying: bytes) }

  func appendPacked(to bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }

  var text: String { String(decoding: bytes, as: UTF8.self) }
}
