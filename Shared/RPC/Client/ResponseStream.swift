package import GRPCFormat
package import Protobuf
import RPCStream

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
