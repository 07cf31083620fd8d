package import GatewayProviders
package import JSON
import JSONText
package import LedgerFile

/// One line of a provider's results: whose it is, what became of it, and what it is paid with.
package struct BatchResult: Equatable, Sendable {
  /// The key that it was sent under.
  package let key: String
  package let outcome: BatchOutcome
  /// nil: nothing was paid.
  package let settlement: Settlement?
  /// The provider's answer, to the byte; nothing where there is none.
  package let reply: [UInt8]
  private let text: JSONText

  package static func == (left: BatchResult, right: BatchResult) -> Bool {
    left.key == right.key && left.outcome == right.outcome && left.settlement == right.settlement
      && left.text.bytes == right.text.bytes
  }

  /// nil when the line is none of this dialect's results.
  package init?(line: [UInt8], of dialect: Dialect) {
    guard let text = try? JSONText(checking: line), let key = text["custom_id"]?.string else {
      return nil
    }
    self.text = text
    self.key = key
    switch dialect {
    case .anthropicMessages:
      guard let type = text[path: ["result", "type"]]?.string else { return nil }
      let outcomes: [String: BatchOutcome] = [
        "succeeded": .succeeded, "errored": .errored, "canceled": .canceled, "expired": .expired,
      ]
      guard let outcome = outcomes[type] else { return nil }
      self.outcome = outcome
      reply = text[path: ["result", "message"]]?.bytes ?? []
      settlement =
        outcome == .succeeded
        ? Self.settlement(text[path: ["result", "message"]], dialect, requestID: nil) : nil
    case .openAIChat, .openAIResponses:
      let response = text["response"]
      reply = response?["body"]?.bytes ?? []
      if let response, response["status_code"]?.int == 200 {
        outcome = .succeeded
        settlement = Self.settlement(
          response["body"], dialect, requestID: response["request_id"]?.string)
      } else {
        let code = text[path: ["error", "code"]]?.string
        outcome =
          code == "batch_expired" ? .expired : code == "batch_cancelled" ? .canceled : .errored
        settlement = nil
      }
    }
  }

  /// What an answer is paid with: its usage, or its bound where it tells none.
  private static func settlement(
    _ reply: JSONText.Element?, _ dialect: Dialect, requestID: String?
  ) -> Settlement {
    let facts = (reply?.bytes).flatMap { try? JSONText(checking: $0) }
      .flatMap { dialect.readReply($0) }
    guard let facts else { return Settlement(.bound, .answered) }
    let outcome: AttemptOutcome =
      switch facts.finish {
      case .length: .truncated
      case .refusal: .declined
      default: .answered
      }
    var settlement = Settlement(facts.usage.map { .used($0) } ?? .bound, outcome)
    settlement.answeredModel = facts.model.cut(toBytes: LedgerLimits.foreignTextBytesMax)
    let name = requestID ?? facts.id
    settlement.providerRequestID = name.cut(toBytes: LedgerLimits.foreignTextBytesMax)
    settlement.endsCall = true
    return settlement
  }

  /// The line as its caller knows it: under its own custom id, to the byte otherwise.
  package func line(for customID: String) -> [UInt8] {
    var edits = JSONEdits(of: text)
    guard let element = text["custom_id"],
      (try? edits.replace(element, with: JSONFragment(.string(customID)))) != nil,
      let bytes = try? edits.bytes()
    else { return [] }
    return bytes + [0x0A]
  }

  /// The line of a request of which its provider wrote none; nil where there is none for it.
  package static func line(
    _ customID: String, _ outcome: BatchOutcome, of dialect: Dialect, error: JSONValue? = nil
  ) -> [UInt8]? {
    let message =
      outcome == .lost
      ? "The provider told nothing of this request; it may have been paid for."
      : "The batch ended before this request was answered."
    let value: JSONValue
    switch (dialect, outcome) {
    case (_, .waiting), (_, .succeeded): return nil
    case (.anthropicMessages, .canceled): value = entry(customID, ["type": "canceled"])
    case (.anthropicMessages, .expired): value = entry(customID, ["type": "expired"])
    case (.anthropicMessages, _):
      let own: JSONValue = [
        "type": "error", "error": ["type": "api_error", "message": .string(message)],
        "request_id": .null,
      ]
      value = entry(customID, ["type": "errored", "error": error ?? own])
    case (_, .canceled): value = line(customID, "batch_cancelled", message)
    case (_, .expired): value = line(customID, "batch_expired", message)
    case (_, .lost): value = line(customID, "request_lost", message)
    case (_, .errored):
      let text = error?["error"]?["message"]?.stringValue ?? message
      value = line(customID, "batch_failed", text)
    }
    return value.bytes() + [0x0A]
  }

  private static func entry(_ customID: String, _ result: JSONValue) -> JSONValue {
    .object(["custom_id": .string(customID), "result": result])
  }

  private static func line(_ customID: String, _ code: String, _ message: String) -> JSONValue {
    [
      "id": .string("batch_req_\(customID)"), "custom_id": .string(customID), "response": .null,
      "error": ["code": .string(code), "message": .string(message)],
    ]
  }
}
