/// One piece of a stream as it leaves: an event, or a few bytes that a fault wants so.
package struct StreamPart: Sendable, Equatable {
  package enum Kind: Sendable, Equatable { case opening, ping, delta, closing }

  package let kind: Kind
  package var bytes: [UInt8]
  /// Tokens of the answer that it carries.
  package let tokens: Int

  package init(_ kind: Kind, _ bytes: [UInt8], tokens: Int = 0) {
    self.kind = kind
    self.bytes = bytes
    self.tokens = tokens
  }
}

/// What names a call and its answer.
package struct CallNames: Sendable, Equatable {
  package let request: String
  package let answer: String
  /// Seconds since 1970, where a dialect says when.
  package let created: Int

  package init(number: Int, start: String, dialect: Dialect, created: Int) {
    let tail = "\(start)\(number)"
    request = "req_sim\(tail)"
    switch dialect {
    case .messages: answer = "msg_sim\(tail)"
    case .chat: answer = "chatcmpl-sim\(tail)"
    case .responses: answer = "resp_sim\(tail)"
    }
    self.created = created
  }
}

/// What a provider says it used, which a fault may bend.
package enum ShownUsage: Sendable, Equatable {
  case exact, missing, zero
  /// 2⁶³, one more than an Int64 holds.
  case absurd
  /// The end of a stream says less than its start.
  case shrinking

  func shown(_ count: Int) -> String {
    switch self {
    case .absurd: "9223372036854775808"
    case .zero: "0"
    case .shrinking: String(count / 2)
    case .exact, .missing: String(count)
    }
  }
}

/// An answer with all that a dialect needs to write it down.
package struct Reply: Sendable {
  package let request: PromptRequest
  package let names: CallNames
  package var answer: Answer
  package var usage: TokenUsage
  package var shownUsage = ShownUsage.exact
  /// The model that the answer says it comes from.
  package var modelName: String

  package init(
    _ request: PromptRequest, _ names: CallNames, _ answer: Answer, _ usage: TokenUsage
  ) {
    self.request = request
    self.names = names
    self.answer = answer
    self.usage = usage
    modelName = request.model.id
  }

  /// The whole answer as one body.
  package func body() -> [UInt8] {
    switch request.dialect {
    case .messages: MessagesWriter(reply: self).body()
    case .chat: ChatWriter(reply: self).body()
    case .responses: ResponsesWriter(reply: self).body()
    }
  }

  /// The same answer as the events of a stream.
  package func stream() -> [StreamPart] {
    switch request.dialect {
    case .messages: MessagesWriter(reply: self).stream()
    case .chat: ChatWriter(reply: self).stream()
    case .responses: ResponsesWriter(reply: self).stream()
    }
  }
}
