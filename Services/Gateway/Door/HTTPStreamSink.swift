import EventLoop
import GatewayPipeline
import HTTPServer
import ServerSentEvents

/// A caller's open connection, as the end of a stream.
actor HTTPStreamSink: StreamSink, LoopActor {
  nonisolated let loop: EventLoop
  nonisolated let wantsUsageChunk: Bool
  private let responder: HTTPResponder
  private var writer: HTTPStreamWriter?

  init(_ responder: HTTPResponder, wantsUsageChunk: Bool, loop: EventLoop) {
    self.loop = loop
    self.responder = responder
    self.wantsUsageChunk = wantsUsageChunk
  }

  func open(_ receipt: CallReceipt) async throws {
    guard writer == nil else { return }
    var headers = DoorCall.headers(receipt, "text/event-stream", isWhole: false)
    headers.append("cache-control", "no-cache")
    writer = try await responder.stream(200, headers)
  }

  func write(_ bytes: [UInt8]) async throws { try await writer?.write(bytes) }

  func finish() { writer?.finish() }

  /// Ends the stream with an event; false when it was never opened.
  func fail(_ name: String, _ data: [UInt8]) async -> Bool {
    guard let writer else { return false }
    var events = SSEWriter()
    try? events.event(
      String(decoding: data, as: UTF8.self), type: name.isEmpty ? nil : name)
    try? await writer.write(events.bytes)
    writer.finish()
    return true
  }
}
