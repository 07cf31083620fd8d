package import Faults
package import GRPCFormat
package import HTTP2

/// A request's headers, read once.
package struct RequestHead {
  package var isPost = false
  package var isGRPC = false
  package var hasTrailers = false
  package var isGzip = false
  package var acceptsGzip = false
  package var timeoutNanoseconds: UInt64?
  package var metadata = Metadata()
  /// The first thing that is wrong with it, as the caller shall see it.
  package var fault: Fault?

  /// Reads every field once; `path` is lent the path.
  package init(_ headers: borrowing HeaderBlock, _ path: (RawSpan) -> Void) {
    headers.forEach { name, value in
      if name.equals(":path") { path(value) } else { take(name, value) }
    }
    if headers.overflowed {
      fault = Fault(
        .resourceExhausted, reason: "HEADER_LIST_TOO_LARGE",
        "The request's headers pass this server's limit.", facts: ["limit": "header_list"])
    }
  }

  private mutating func take(_ name: RawSpan, _ value: RawSpan) {
    switch name.byteCount {
    case 2 where name.equals("te"):
      hasTrailers = value.equals("trailers")
    case 7 where name.equals(":method"):
      isPost = value.equals("POST")
    case 7 where name.equals(":scheme"):
      break
    case 10 where name.equals(":authority"), 10 where name.equals("user-agent"):
      break
    case 12 where name.equals("content-type"):
      isGRPC = RequestHead.isGRPC(value)
    case 12 where name.equals("grpc-timeout"):
      timeoutNanoseconds = GRPCTimeout.nanoseconds(of: value)
      if timeoutNanoseconds == nil { refuse("BAD_TIMEOUT", "grpc-timeout is malformed.") }
    case 13 where name.equals("grpc-encoding"):
      takeEncoding(value)
    case 20 where name.equals("grpc-accept-encoding"):
      acceptsGzip = RequestHead.names(value, "gzip")
    default:
      takeCustom(name, value)
    }
  }

  /// `application/grpc`, alone or followed by `+` or `;`.
  private static func isGRPC(_ type: RawSpan) -> Bool {
    let count = 16
    guard type.byteCount >= count, type.extracting(0..<count).equals("application/grpc") else {
      return false
    }
    if type.byteCount == count { return true }
    let next = unsafe type.unsafeLoad(fromByteOffset: count, as: UInt8.self)
    return next == UInt8(ascii: "+") || next == UInt8(ascii: ";")
  }

  /// Whether a list of encodings, `identity, deflate, gzip`, has this one; no copy is made.
  private static func names(_ list: RawSpan, _ encoding: StaticString) -> Bool {
    var start = 0
    while start < list.byteCount {
      var end = start
      while end < list.byteCount,
        unsafe list.unsafeLoad(fromByteOffset: end, as: UInt8.self) != UInt8(ascii: ",")
      { end += 1 }
      while start < end,
        unsafe list.unsafeLoad(fromByteOffset: start, as: UInt8.self) == UInt8(ascii: " ")
      { start += 1 }
      if list.extracting(start..<end).equals(encoding) { return true }
      start = end + 1
    }
    return false
  }

  private mutating func takeEncoding(_ value: RawSpan) {
    if value.equals("gzip") {
      isGzip = true
    } else if !value.equals("identity") {
      fault = Fault(
        .unimplemented, reason: "UNKNOWN_ENCODING",
        "This server reads identity and gzip, not this grpc-encoding.")
    }
  }

  private mutating func takeCustom(_ name: RawSpan, _ value: RawSpan) {
    let name = name.text
    guard !Metadata.isReserved(name) else { return }
    if !metadata.addReceived(name, value) {
      refuse("BAD_METADATA", "The metadata '\(name)' is not base64.")
    }
  }

  private mutating func refuse(_ reason: String, _ message: String) {
    if fault == nil { fault = Fault(.internal, reason: reason, message) }
  }
}
