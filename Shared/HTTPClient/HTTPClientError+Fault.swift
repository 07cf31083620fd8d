package import Faults

extension HTTPClientError: FaultConvertible {
  package var fault: Fault {
    var fault = Fault(kind, reason: reason, message)
    fault.facts["was_sent"] = wasSent ? "yes" : "no"
    fault.cause = description
    return fault
  }

  private var kind: Fault.Code {
    switch code {
    case .requestRefused: .invalidArgument
    case .addressRefused, .tls: .failedPrecondition
    case .tooManyCalls, .headTooLarge, .bodyTooLarge: .resourceExhausted
    case .connectTimeout, .headTimeout, .stallTimeout, .totalTimeout: .deadlineExceeded
    case .notResolved, .notConnected, .reset, .closedEarly, .protocolViolation, .closed:
      .unavailable
    case .sourceFailed: .aborted
    case .cancelled: .cancelled
    case .bodyAlreadyRead, .internal: .internal
    }
  }

  private var reason: String {
    switch code {
    case .requestRefused: "HTTP_REQUEST_REFUSED"
    case .addressRefused: "HTTP_ADDRESS_REFUSED"
    case .tooManyCalls: "HTTP_TOO_MANY_CALLS"
    case .notResolved: "HTTP_NOT_RESOLVED"
    case .notConnected: "HTTP_NOT_CONNECTED"
    case .tls: "HTTP_TLS"
    case .connectTimeout: "HTTP_CONNECT_TIMEOUT"
    case .headTimeout: "HTTP_HEAD_TIMEOUT"
    case .stallTimeout: "HTTP_STALL_TIMEOUT"
    case .totalTimeout: "HTTP_TOTAL_TIMEOUT"
    case .reset: "HTTP_RESET"
    case .closedEarly: "HTTP_CLOSED_EARLY"
    case .protocolViolation: "HTTP_PROTOCOL_VIOLATION"
    case .headTooLarge: "HTTP_HEAD_TOO_LARGE"
    case .bodyTooLarge: "HTTP_BODY_TOO_LARGE"
    case .sourceFailed: "HTTP_SOURCE_FAILED"
    case .cancelled: "CANCELLED"
    case .bodyAlreadyRead, .internal: "INTERNAL"
    case .closed: "HTTP_CLIENT_CLOSED"
    }
  }
}
