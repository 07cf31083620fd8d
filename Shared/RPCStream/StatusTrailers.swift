package import Faults
package import GRPCFormat
package import HTTP2

/// The headers that close a response: status, message, details, metadata.
package enum StatusTrailers {
  private static let ok: HeaderBlock = {
    var block = HeaderBlock()
    block.append("grpc-status", "0")
    return block
  }()

  /// OK without a fault, else its code, message and details.
  package static func block(fault: Fault?, metadata: Metadata) -> HeaderBlock {
    guard let fault else {
      guard !metadata.isEmpty else { return ok }
      var block = ok
      block.append(metadata)
      return block
    }
    var block = HeaderBlock()
    block.append("grpc-status", String(fault.code.rawValue))
    block.append("grpc-message", PercentEncoding.encode(fault.wireMessage))
    if fault.hasDetails {
      block.append("grpc-status-details-bin", Base64.encode(StatusDetails.encode(fault)))
    }
    if fault.reason == "UNKNOWN_ENCODING" {
      block.append("grpc-accept-encoding", "identity,gzip")
    }
    block.append(metadata)
    return block
  }

  /// A response that is nothing but its end.
  package static func only(_ trailers: HeaderBlock, initial: Metadata) -> HeaderBlock {
    var block = ResponseHead.block(metadata: initial, isGzip: false)
    trailers.forEach { name, value in
      block.append(name.text, [UInt8](copying: value))
    }
    return block
  }
}

extension Fault {
  /// The message, cut so that the trailers stay within any peer's header limit.
  package var wireMessage: String {
    guard message.utf8.count > FaultLimits.messageBytesMax else { return message }
    return String(message.unicodeScalars.prefix(FaultLimits.messageBytesMax / 4))
  }

  /// A bare code and message (such as a test or another language made) needs no details.
  package var hasDetails: Bool {
    !reason.isEmpty || retryAfter != nil || !facts.isEmpty || !violations.isEmpty || hint != nil
  }
}
