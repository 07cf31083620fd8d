package import Faults
package protocol WireMessage: Sendable, Equatable {
  init()
  static var wireName: String { get }
  init(unpacking bytes: RawSpan) throws(WireError)
  func appendPacked(to bytes: inout [UInt8])
}
package struct WireError: Error, Equatable, FaultConvertible {
  package var fault: Fault { Fault(.invalidArgument, reason: "MALFORMED", "x") }
}
