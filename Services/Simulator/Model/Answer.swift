package import JSON

/// Why an answer ended, in the simulator's own words.
package enum StopReason: Sendable, Equatable {
  case end, maxTokens, toolUse, refusal
  case stopSequence(String)
}

/// A call of a tool that the model asks for.
package struct ToolCall: Sendable, Equatable {
  package let name: String
  /// JSON, or what a fault has made of it.
  package var arguments: String
}

/// What the model says, before it is put in a dialect.
package struct Answer: Sendable, Equatable {
  package var text: String?
  package var tool: ToolCall?
  package var stop = StopReason.end
  package var outputTokens = 0
  /// The value behind a structured answer.
  package var value: JSONValue?

  init() {}

  /// The text that streams, whether it is an answer's or a tool's arguments.
  package var payload: String { tool?.arguments ?? text ?? "" }
}

extension Answer {
  /// The answer to a request: the same for the same seed and content, in whatever dialect's
  /// stream or body it leaves. Throws nothing: every request that was found good has one.
  package static func make(for request: PromptRequest, seed: UInt64) -> Answer {
    var answer = Answer()
    let seed = request.answerSeed(seed)
    var random = SeedSequence(seed)
    if case .forced(let name) = request.demand,
      let tool = request.tools.first(where: { name == nil || $0.name == name })
    {
      let value = fitted(tool.schema, request, seed)
      answer.value = value
      answer.tool = ToolCall(name: tool.name, arguments: value.text())
      answer.stop = .toolUse
    } else if let schema = request.schema {
      let value = fitted(schema, request, seed)
      answer.value = value
      answer.text = value.text()
    } else {
      answer.text = AnswerWords.sentence(16 + random.below(16), &random) + "."
    }
    answer.stopAtSequence(request.stopSequences)
    answer.count()
    if let limit = request.maxTokens { answer.cut(toTokens: limit) }
    return answer
  }

  private static func fitted(
    _ schema: JSONValue, _ request: PromptRequest, _ seed: UInt64
  ) -> JSONValue {
    var fitter = SchemaFitter(
      schema: schema, seed: seed, itemIDs: ItemIDs.find(in: request.conversation))
    return fitter.value()
  }

  /// Counts its tokens anew, after its text has changed.
  package mutating func count() {
    if let tool {
      outputTokens = TokenLaw.call + TokenLaw.text(tool.arguments)
    } else {
      outputTokens = max(1, TokenLaw.text(text ?? ""))
    }
  }

  private mutating func stopAtSequence(_ sequences: [String]) {
    guard tool == nil, let whole = text, !sequences.isEmpty else { return }
    let bytes = Array(whole.utf8)
    var end = bytes.count
    var found: String?
    for sequence in sequences {
      let wanted = Array(sequence.utf8)
      guard !wanted.isEmpty, wanted.count <= bytes.count else { continue }
      for start in 0...(bytes.count - wanted.count)
      where start < end && bytes[start..<(start + wanted.count)].elementsEqual(wanted) {
        end = start
        found = sequence
        break
      }
    }
    guard let found else { return }
    text = String(decoding: bytes[..<end], as: UTF8.self)
    stop = .stopSequence(found)
  }

  /// Cuts it at a token, as a limit does.
  package mutating func cut(toTokens limit: Int) {
    guard outputTokens > limit else { return }
    stop = .maxTokens
    outputTokens = max(0, limit)
    if let whole = tool?.arguments {
      tool?.arguments = Self.prefix(whole, bytes: max(0, limit - TokenLaw.call) * 4)
    } else if let whole = text {
      text = Self.prefix(whole, bytes: max(0, limit) * 4)
    }
  }

  /// At most so many bytes, and whole characters.
  static func prefix(_ text: String, bytes: Int) -> String {
    var end = text.utf8.index(text.startIndex, offsetBy: bytes, limitedBy: text.endIndex)
    if end == nil { return text }
    while let place = end, place > text.startIndex,
      String.Index(place, within: text.unicodeScalars) == nil
    {
      end = text.utf8.index(before: place)
    }
    return String(text[..<(end ?? text.endIndex)])
  }

  /// The payload in pieces as a stream sends them: about five tokens each, whole characters.
  package func pieces() -> [String] {
    let bytes = Array(payload.utf8)
    let size = max(20, (bytes.count + ModelLimits.deltasMax - 1) / ModelLimits.deltasMax)
    var found: [String] = []
    var start = 0
    while start < bytes.count {
      var end = min(start + size, bytes.count)
      while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end -= 1 }
      found.append(String(decoding: bytes[start..<end], as: UTF8.self))
      start = end
    }
    return found
  }
}
