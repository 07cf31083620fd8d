import EventLoop
import Faults
import GatewayContract
import GatewayPipeline
import GatewayProviders
import JSON
import RPC
import ServerSentEvents

/// A stream's bytes as the mesh's events, for one caller.
actor EventSink: StreamSink, LoopActor {
  nonisolated let loop: EventLoop
  nonisolated let wantsUsageChunk = true
  private let responses: ResponseWriter<GenerateEvent>
  private var reader = SSEReader()
  private var content: ContentStream?
  /// Of an answer that was kept.
  private var dialect: Dialect?
  private var whole: AnswerContent?
  private var schemaWay = SchemaWay.native

  init(_ responses: ResponseWriter<GenerateEvent>, loop: EventLoop) {
    self.responses = responses
    self.loop = loop
  }

  func open(_ receipt: CallReceipt) async throws {
    guard content == nil else { return }
    content = ContentStream(receipt.dialect)
    dialect = receipt.source == .miss ? nil : receipt.dialect
    schemaWay = receipt.schemaWay
    let started = CallStarted(attempt: receipt.attempts, provider: receipt.provider)
    try await responses.send(GenerateEvent(kind: .started(started)))
  }

  func write(_ bytes: [UInt8]) async throws {
    // A call that was made whole, and is asked for again as a stream.
    if let dialect, let kept = dialect.readKept(bytes), !kept.isStream {
      content = nil
      whole = kept.content
      if !kept.content.text.isEmpty { try await tell(.text(kept.content.text)) }
      for call in kept.content.toolCalls { try await tell(.toolCall(call)) }
      return
    }
    for event in try reader.feed(bytes) where event.hasData {
      let pieces = content?.take(event.data ?? []) ?? []
      for piece in pieces { try await tell(piece) }
    }
  }

  private func tell(_ piece: ContentStream.Piece) async throws {
    let kind: GenerateEvent.Kind
    switch piece {
    case .text(let text): kind = .text(text)
    case .reasoning(let text): kind = .reasoning(text)
    case .toolCall(let call):
      if schemaWay == .tool, call.name == ModelCall.answerTool {
        kind = .text(call.arguments.text())
      } else {
        kind = .toolCall(ToolCall(id: call.id, name: call.name, arguments: call.arguments.bytes()))
      }
    }
    try await responses.send(GenerateEvent(kind: kind))
  }

  /// The last event: what Generate would have answered.
  func finish(_ receipt: CallReceipt, _ call: CallRequest) async throws {
    for piece in content?.finish() ?? [] { try await tell(piece) }
    var whole = whole ?? content?.content ?? AnswerContent()
    if receipt.schemaWay == .tool { whole.takeAnswerTool() }
    let response = GenerateResponse(receipt, whole, call)
    try await responses.send(GenerateEvent(kind: .finished(response)))
  }
}
