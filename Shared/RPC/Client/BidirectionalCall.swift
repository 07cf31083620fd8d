package import Protobuf

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
