package import Faults
package import GRPCFormat
package import HTTP2

/// A response's headers or trailers, read once.
package struct ResponseReader {
  private var httpStatus: Int?
  private var isGRPC = false
  private var code: Int32?
  private var message = ""
  private var details: [UInt8]?
  package private(set) var isGzip = false
  private var isUnknownEncoding = false
  package private(set) var metadata = Metadata()
  private var isOverflowed = false

  /// Reads every field once.
  package init(_ headers: borrowing HeaderBlock) {
    isOverflowed = headers.overflowed
    headers.forEach { name, value in take(name, value) }
  }

  private mutating func take(_ name: RawSpan, _ value: RawSpan) {
    switch name.byteCount {
    case 7 where name.equals(":status"): httpStatus = Int(value.text)
    case 12 where name.equals("content-type"): isGRPC = ResponseReader.isGRPC(value)
    case 11 where name.equals("grpc-status"): code = Int32(value.text) ?? -1
    case 12 where name.equals("grpc-message"): message = PercentEncoding.decode(value)
    case 13 where name.equals("grpc-encoding"):
      isGzip = value.equals("gzip")
      isUnknownEncoding = !isGzip && !value.equals("identity")
    case 23 where name.equals("grpc-status-details-bin"):
      details = Base64.decode([UInt8](copying: value))
    default:
      let name = name.text
      // A broken `-bin` value of a peer is dropped: the call's own status says more.
      if !Metadata.isReserved(name) { _ = metadata.addReceived(name, value) }
    }
  }

  private static func isGRPC(_ type: RawSpan) -> Bool {
    let count = 16
    return type.byteCount >= count && type.extracting(0..<count).equals("application/grpc")
  }

  /// The call's status, when this block carries one; a nil fault is OK.
  package var status: (fault: Fault?, trailing: Metadata)? {
    guard let code else { return nil }
    if code == 0 { return (nil, metadata) }
    let known = Fault.Code(rawValue: code) ?? .unknown
    var fault = Fault(known, reason: "", message)
    if let details { StatusDetails.apply(details, to: &fault) }
    return (fault, metadata)
  }

  /// Why this is no gRPC response; nil when it is one.
  package var httpFault: Fault? {
    if isOverflowed {
      return Fault(
        .resourceExhausted, reason: "HEADER_LIST_TOO_LARGE",
        "The response's headers pass this client's limit.", facts: ["limit": "header_list"])
    }
    guard let httpStatus else {
      return Fault(.internal, reason: "NOT_GRPC", "The response has no HTTP status.")
    }
    if httpStatus != 200 {
      return Fault(
        ResponseReader.code(forHTTP: httpStatus), reason: "HTTP_STATUS",
        "The server answered HTTP \(httpStatus), not gRPC.",
        facts: ["http_status": String(httpStatus)])
    }
    guard isGRPC else {
      return Fault(.unknown, reason: "NOT_GRPC", "The response is not application/grpc.")
    }
    if isUnknownEncoding {
      return Fault(.internal, reason: "UNKNOWN_ENCODING", "The response's encoding is unknown.")
    }
    return nil
  }

  package static var missingStatus: Fault? {
    Fault(.unknown, reason: "NO_STATUS", "The server ended the call without a status.")
  }

  /// gRPC's mapping for answers of proxies and other HTTP servers.
  private static func code(forHTTP status: Int) -> Fault.Code {
    switch status {
    case 400: .internal
    case 401: .unauthenticated
    case 403: .permissionDenied
    case 404: .unimplemented
    case 429, 502, 503, 504: .unavailable
    default: .unknown
    }
  }
}
