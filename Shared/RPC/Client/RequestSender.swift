package import Protobuf
import RPCStream

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
