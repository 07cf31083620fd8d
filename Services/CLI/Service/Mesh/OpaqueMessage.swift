import GRPCFormat
package import Protobuf

/// A message as its bytes: what a call is made with when the type is known only at run time.
package struct OpaqueMessage: WireMessage {
  package static let wireName = "assay.OpaqueMessage"
  package var bytes: [UInt8]

  package init() { bytes = [] }

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package init(unpacking bytes: RawSpan) throws(WireError) { self.bytes = [UInt8](copying: bytes) }

  package func appendPacked(to bytes: inout [UInt8]) { bytes += self.bytes }
}
