package import Faults
import JSON

/// An error as one family's clients know it.
package struct ErrorShape: Equatable, Sendable {
  package let status: Int
  /// What the family calls this kind of error.
  package let type: String
  /// Our own name of it, in lower case, where the family has a place for one.
  package let code: String
  package let message: String
  package let field: String?
  /// Whether the client should ask again by itself: we have done what asking again can do, unless
  /// we say when.
  package let shouldRetry: Bool
  package let retryAfter: Duration?

  package init(_ fault: Fault, for family: ProviderFamily) {
    let row = Self.rows[fault.reason] ?? Self.byCode[fault.code] ?? Self.unknown
    status = row.status
    type = family == .anthropic ? row.anthropic : row.openAI
    let known = family == .openAI ? Self.openAICodes[fault.reason] : nil
    code = known ?? fault.reason.lowercased()
    message = fault.hint.map { "\(fault.message) \($0)" } ?? fault.message
    field = fault.violations.first?.field
    shouldRetry = fault.retryAfter != nil && row.status >= 429
    retryAfter = fault.retryAfter
  }

  /// The body of a reply.
  package func body(for family: ProviderFamily, requestID: String) -> [UInt8] {
    object(for: family, requestID: requestID).bytes()
  }

  /// The data of an event that ends a stream, and its name.
  package func event(for dialect: Dialect, requestID: String) -> (name: String, data: [UInt8]) {
    switch dialect {
    case .anthropicMessages:
      ("error", object(for: .anthropic, requestID: requestID).bytes())
    case .openAIChat:
      ("", object(for: .openAI, requestID: requestID).bytes())
    case .openAIResponses:
      (
        "error",
        ([
          "type": "error", "code": .string(code), "message": .string(message), "param": param,
        ] as JSONValue).bytes()
      )
    }
  }

  private var param: JSONValue { field.map { .string($0) } ?? .null }

  private func object(for family: ProviderFamily, requestID: String) -> JSONValue {
    switch family {
    case .anthropic:
      [
        "type": "error",
        "error": [
          "type": .string(type), "message": .string(message),
          "details": ["error_code": .string(code)],
        ],
        "request_id": .string(requestID),
      ]
    case .openAI:
      [
        "error": [
          "message": .string(message), "type": .string(type), "param": param,
          "code": .string(code),
        ]
      ]
    }
  }

  // MARK: - The table

  private struct Row: Sendable {
    let status: Int
    let anthropic: String
    let openAI: String

    init(_ status: Int, _ anthropic: String, _ openAI: String) {
      self.status = status
      self.anthropic = anthropic
      self.openAI = openAI
    }
  }

  /// Codes that OpenAI's clients branch on.
  private static let openAICodes = [
    "UNKNOWN_MODEL": "model_not_found", "BAD_KEY": "invalid_api_key",
    "BUDGET_EXHAUSTED": "insufficient_quota", "QUOTA_EXHAUSTED": "insufficient_quota",
    "RATE_LIMITED": "rate_limit_exceeded", "CONTEXT_TOO_LONG": "context_length_exceeded",
  ]

  private static let unknown = Row(500, "api_error", "server_error")

  /// Where the code alone would tell a client something else.
  private static let rows: [String: Row] = [
    // No date brings the money back by itself: neither 429, which clients repeat, nor a 200.
    "BUDGET_EXHAUSTED": Row(402, "billing_error", "insufficient_quota"),
    "QUOTA_EXHAUSTED": Row(402, "billing_error", "insufficient_quota"),
    "REQUEST_TOO_LARGE": Row(413, "request_too_large", "invalid_request_error"),
    "CONTEXT_TOO_LONG": Row(400, "invalid_request_error", "invalid_request_error"),
    "PROVIDER_OVERLOADED": Row(529, "overloaded_error", "overloaded"),
    "LEDGER_FULL": Row(503, "overloaded_error", "server_error"),
    "CALL_UNCERTAIN": Row(502, "api_error", "server_error"),
    "PROVIDER_ERROR": Row(502, "api_error", "server_error"),
    "EMPTY_REPLY": Row(502, "api_error", "server_error"),
    "BAD_CREDENTIALS": Row(502, "api_error", "server_error"),
    "PROVIDER_UNAVAILABLE": Row(503, "api_error", "server_error"),
    "PROVIDER_TIMEOUT": Row(504, "timeout_error", "server_error"),
    "METHOD_NOT_ALLOWED": Row(405, "invalid_request_error", "invalid_request_error"),
  ]

  private static let byCode: [Fault.Code: Row] = [
    .invalidArgument: Row(400, "invalid_request_error", "invalid_request_error"),
    .outOfRange: Row(400, "invalid_request_error", "invalid_request_error"),
    .failedPrecondition: Row(400, "invalid_request_error", "invalid_request_error"),
    .unauthenticated: Row(401, "authentication_error", "invalid_request_error"),
    .permissionDenied: Row(403, "permission_error", "invalid_request_error"),
    .notFound: Row(404, "not_found_error", "invalid_request_error"),
    .alreadyExists: Row(409, "conflict_error", "conflict_error"),
    .aborted: Row(409, "conflict_error", "conflict_error"),
    .resourceExhausted: Row(429, "rate_limit_error", "rate_limit_error"),
    .unimplemented: Row(501, "invalid_request_error", "invalid_request_error"),
    .unavailable: Row(503, "api_error", "server_error"),
    .deadlineExceeded: Row(504, "timeout_error", "server_error"),
    .internal: Row(500, "api_error", "server_error"),
  ]
}
