package import Faults

package enum StatusDetails {
  package static func encode(_ fault: Fault) -> [UInt8] { [] }
  package static func apply(_ d: [UInt8], to: inout Fault) {}
}
