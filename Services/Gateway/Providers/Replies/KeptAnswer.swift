import JSONText
import ServerSentEvents

/// An answer as it was kept, whole or as the events of a stream: a call that was made one way may
/// be asked for the other way.
package struct KeptAnswer: Equatable, Sendable {
  package var content: AnswerContent
  package var facts: ReplyFacts
  package var isStream: Bool
}

extension Dialect {
  /// Reads bytes that this dialect once answered with; nil when they are none of its answers.
  package func readKept(_ body: [UInt8]) -> KeptAnswer? {
    if let text = try? JSONText(checking: body) {
      return readReply(text).map {
        KeptAnswer(content: readContent(text), facts: $0, isStream: false)
      }
    }
    var reader = SSEReader()
    var facts = StreamReading(self)
    var content = ContentStream(self)
    guard let events = try? reader.feed(body) else { return nil }
    for event in events where event.hasData {
      let data = event.data ?? []
      guard facts.take(name: event.type, data: data) != .garbage else { return nil }
      _ = content.take(data)
    }
    _ = content.finish()
    guard facts.hasEnded else { return nil }
    return KeptAnswer(content: content.content, facts: facts.facts, isStream: true)
  }
}
