import Faults

enum StatusDetails {
  static func encode(_ fault: Fault) -> [UInt8] { [] }
  static func apply(_ d: [UInt8], to: inout Fault) {}
}
