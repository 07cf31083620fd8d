import Faults
import GRPCFormat
import HTTP2

/// A request's headers, read once.
struct RequestHead {
  var path = ""
  var isPost = false
  var isGRPC = false
  var hasTrailers = false
  var isGzip = false
  var acceptsGzip = false
  var timeoutNanoseconds: UInt64?
  var metadata = Metadata()
  /// The first thing that is wrong with it, as the caller shall see it.
  var fault: Fault?

  init(_ headers: borrowing HeaderBlock) {
    headers.forEach { name, value in take(name, value) }
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
    case 5 where name.equals(":path"):
      path = value.text
    case 7 where name.equals(":method"):
      isPost = value.equals("POST")
    case 7 where name.equals(":scheme"):
      break
    case 10 where name.equals(":authority"), 10 where name.equals("user-agent"):
      break
    case 12 where name.equals("content-type"):
      let type = value.text
      isGRPC =
        type == "application/grpc" || type.hasPrefix("application/grpc+")
        || type.hasPrefix("application/grpc;")
    case 12 where name.equals("grpc-timeout"):
      timeoutNanoseconds = GRPCTimeout.nanoseconds(of: value)
      if timeoutNanoseconds == nil { refuse("BAD_TIMEOUT", "grpc-timeout is malformed.") }
    case 13 where name.equals("grpc-encoding"):
      takeEncoding(value)
    case 20 where name.equals("grpc-accept-encoding"):
      acceptsGzip = value.text.split(separator: ",").contains { piece in
        piece.drop { $0 == " " } == "gzip"
      }
    default:
      takeCustom(name, value)
    }
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
