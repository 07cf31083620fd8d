package import Faults

/// Why bytes are not the message that they should be.
package struct WireError: Error, Equatable, Sendable {
  package enum Code: Equatable, Sendable {
    /// Truncated, a wrong wire type, an impossible length.
    case malformed
    /// The message would take more memory than its size allows.
    case arenaExhausted
    /// The message is longer than any may be.
    case tooLarge
    /// A string field that is not UTF-8.
    case invalidUTF8(field: String)
  }

  package let code: Code
  /// Full name of the message type.
  package let messageName: String

  package init(_ code: Code, messageName: String) {
    self.code = code
    self.messageName = messageName
  }
}

extension WireError: FaultConvertible {
  package var fault: Fault {
    switch code {
    case .malformed:
      Fault(
        .invalidArgument, reason: "MESSAGE_MALFORMED",
        "The bytes are not a \(messageName).", facts: ["type": messageName])
    case .arenaExhausted:
      Fault(
        .resourceExhausted, reason: "MESSAGE_AMPLIFIES",
        "A \(messageName) takes more memory than its size allows.",
        facts: ["type": messageName, "limit": "WireLimits.arenaBytesMax"])
    case .tooLarge:
      Fault(
        .resourceExhausted, reason: "MESSAGE_TOO_LARGE",
        "A \(messageName) is longer than \(WireLimits.messageBytesMax) bytes.",
        facts: ["type": messageName, "limit": "WireLimits.messageBytesMax"])
    case .invalidUTF8(let field):
      Fault(
        .invalidArgument, reason: "STRING_NOT_UTF8", "\(field) is not UTF-8.",
        facts: ["type": messageName],
        violations: [Fault.FieldViolation(field: field, description: "is not UTF-8")])
    }
  }
}
