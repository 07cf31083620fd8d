/// The `grpc-timeout` header: at most eight digits and a unit.
package enum GRPCTimeout {
  /// Nil when it is not of the form; a timeout beyond 2^62 ns counts as that.
  package static func nanoseconds(of text: RawSpan) -> UInt64? {
    guard (2...9).contains(text.byteCount) else { return nil }
    var value: UInt64 = 0
    for index in 0..<(text.byteCount - 1) {
      let digit = unsafe text.unsafeLoad(fromByteOffset: index, as: UInt8.self)
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value * 10 + UInt64(digit - UInt8(ascii: "0"))
    }
    let unit = unsafe text.unsafeLoad(fromByteOffset: text.byteCount - 1, as: UInt8.self)
    let scale: UInt64
    switch unit {
    case UInt8(ascii: "H"): scale = 3_600_000_000_000
    case UInt8(ascii: "M"): scale = 60_000_000_000
    case UInt8(ascii: "S"): scale = 1_000_000_000
    case UInt8(ascii: "m"): scale = 1_000_000
    case UInt8(ascii: "u"): scale = 1_000
    case UInt8(ascii: "n"): scale = 1
    default: return nil
    }
    let (product, overflow) = value.multipliedReportingOverflow(by: scale)
    return overflow ? 1 << 62 : min(product, 1 << 62)
  }

  /// The shortest form that is not longer than asked: never gives the server more time.
  package static func text(nanoseconds: UInt64) -> String {
    let units: [(UInt64, String)] = [
      (1, "n"), (1_000, "u"), (1_000_000, "m"), (1_000_000_000, "S"), (60_000_000_000, "M"),
      (3_600_000_000_000, "H"),
    ]
    for (scale, unit) in units where nanoseconds / scale < 100_000_000 {
      return "\(nanoseconds / scale)\(unit)"
    }
    return "99999999H"
  }
}
