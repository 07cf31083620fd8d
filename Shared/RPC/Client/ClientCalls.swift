package import GRPCFormat
package import Protobuf
import RPCStream

/// The answer of a unary call with its metadata.
package struct Reply<Answer: WireMessage>: Sendable {
  package let message: Answer
  package let initialMetadata: Metadata
  package let trailingMetadata: Metadata
}

/// Cancels a call when the last of its users lets go of it.
final class CallToken: Sendable {
  let stream: ClientStream
  init(_ stream: ClientStream) { self.stream = stream }
  deinit { stream.cancel() }
}

/// The responses of a streaming call, in order; read once, by one task.
///
/// Letting go of it cancels the call. A fault of the server is thrown after the last message.
package struct ResponseStream<Answer: WireMessage>: AsyncSequence, Sendable {
  package typealias Element = Answer
  let sink: StreamedResponseSink<Answer>
  let call: CallToken?

  package struct AsyncIterator: AsyncIteratorProtocol {
    let stream: ResponseStream<Answer>
    package mutating func next() async throws -> Answer? { try await stream.next() }
  }

  package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

  package func next() async throws -> Answer? { try await sink.queue.next() }

  /// Waits for the metadata before the first message.
  package func initialMetadata() async -> Metadata { await sink.initialMetadata() }

  /// Complete when the stream has ended.
  package var trailingMetadata: Metadata { sink.trailingMetadata }

  /// Whether the message that was read last came compressed.
  package var wasLastCompressed: Bool { sink.queue.isLastTakenCompressed }

  /// Ends the call; the reader gets CANCELLED.
  package func cancel() { call?.stream.cancel() }
}

/// The sending half of a call with many requests.
package struct RequestSender<Request: WireMessage>: Sendable {
  let token: CallToken
  private var stream: ClientStream { token.stream }

  init(_ stream: ClientStream) { self.token = CallToken(stream) }

  /// Sends one message; waits while the server has not taken what was sent before.
  ///
  /// `isCompressed` overrides the call's choice, where the call declared compression.
  package func send(_ message: Request, isCompressed: Bool? = nil) async throws {
    let compresses = stream.options.isCompressed && (isCompressed ?? true)
    let appended =
      compresses
      ? try stream.outbox.append(framed: try MessageCompression.frame(message))
      : try stream.outbox.append(message)
    if appended.wakes { stream.wake() }
    if appended.waits { try await stream.outbox.waitForRoom() }
  }

  /// Says that no more requests come.
  package func finish() {
    if stream.outbox.finish(.ends) { stream.wake() }
  }

  package func cancel() { stream.cancel() }
}

/// Many requests, one answer.
package struct ClientStreamingCall<Request: WireMessage, Answer: WireMessage>: Sendable {
  package let sender: RequestSender<Request>
  let sink: SingleResponseSink<Answer>

  package func send(_ message: Request, isCompressed: Bool? = nil) async throws {
    try await sender.send(message, isCompressed: isCompressed)
  }

  /// Ends the requests and waits for the answer.
  package func finish() async throws -> Answer { try await finishReply().message }

  /// The same with the answer's metadata.
  package func finishReply() async throws -> Reply<Answer> {
    sender.finish()
    let result = await withTaskCancellationHandler {
      await sink.result()
    } onCancel: {
      sender.cancel()
    }
    return Reply(
      message: try result.get(), initialMetadata: sink.initialMetadata,
      trailingMetadata: sink.trailingMetadata)
  }

  package func cancel() { sender.cancel() }
}

/// Requests and responses both ways, each at its own pace.
package struct BidirectionalCall<Request: WireMessage, Answer: WireMessage>: Sendable {
  package let sender: RequestSender<Request>
  package let responses: ResponseStream<Answer>

  package func send(_ message: Request, isCompressed: Bool? = nil) async throws {
    try await sender.send(message, isCompressed: isCompressed)
  }

  package func finishSending() { sender.finish() }
  package func cancel() { sender.cancel() }
}
