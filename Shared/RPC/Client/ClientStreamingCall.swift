package import Protobuf
import RPCStream

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
    let answer = try await withTaskCancellationHandler {
      try await sink.result()
    } onCancel: {
      sender.cancel()
    }
    return Reply(
      message: answer, initialMetadata: sink.initialMetadata,
      trailingMetadata: sink.trailingMetadata)
  }

  package func cancel() { sender.cancel() }
}
