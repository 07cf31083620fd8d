package import Faults
import Protobuf
import WellKnown

/// A fault as `grpc-status-details-bin`: google.rpc.Status with ErrorInfo, RetryInfo, BadRequest.
package enum StatusDetails {
  private static let domain = "assay"
  private static let hintKey = "hint"
  private static let typePrefix = "type.googleapis.com/"

  /// The serialized `google.rpc.Status`.
  package static func encode(_ fault: Fault) -> [UInt8] {
    var info = ErrorInfo()
    info.reason = fault.reason
    info.domain = domain
    for (key, value) in fault.facts.sorted(by: { $0.key < $1.key }).prefix(FaultLimits.factsMax) {
      info.metadata[key] = value
    }
    if let hint = fault.hint { info.metadata[hintKey] = hint }
    var details = [any(info)]
    if let retryAfter = fault.retryAfter {
      var retry = RetryInfo()
      retry.retryDelay = WireDuration(retryAfter)
      details.append(any(retry))
    }
    if !fault.violations.isEmpty {
      var request = BadRequest()
      request.fieldViolations = fault.violations.prefix(FaultLimits.violationsMax).map {
        var violation = BadRequest.FieldViolation()
        violation.field = $0.field
        violation.description = $0.description
        return violation
      }
      details.append(any(request))
    }
    var status = RPCStatus()
    status.code = fault.code.rawValue
    status.message = fault.wireMessage
    status.details = details
    return packed(status)
  }

  /// Adds what a peer's details say; what cannot be read is left out, never an error.
  package static func apply(_ bytes: [UInt8], to fault: inout Fault) {
    guard let status = try? RPCStatus(unpacking: unsafe bytes.span.bytes) else { return }
    for detail in status.details {
      let name = detail.typeUrl.split(separator: "/").last.map(String.init)
      if name == ErrorInfo.wireName, let info: ErrorInfo = read(detail) {
        fault.reason = info.reason
        fault.facts = info.metadata
        fault.hint = fault.facts.removeValue(forKey: hintKey)
      } else if name == RetryInfo.wireName, let info: RetryInfo = read(detail) {
        fault.retryAfter = info.retryDelay?.duration
      } else if name == BadRequest.wireName, let request: BadRequest = read(detail) {
        fault.violations = request.fieldViolations.map {
          Fault.FieldViolation(field: $0.field, description: $0.description)
        }
      }
    }
  }

  private static func any<M: WireMessage>(_ message: M) -> WireAny {
    var any = WireAny()
    any.typeUrl = typePrefix + M.wireName
    any.value = packed(message)
    return any
  }

  private static func packed(_ message: some WireMessage) -> [UInt8] {
    var bytes: [UInt8] = []
    message.appendPacked(to: &bytes)
    return bytes
  }

  private static func read<M: WireMessage>(_ any: WireAny) -> M? {
    try? M(unpacking: unsafe any.value.span.bytes)
  }
}
