/// Cancels a call when the last of its users lets go of it.
final class CallToken: Sendable {
  let stream: ClientStream
  init(_ stream: ClientStream) { self.stream = stream }
  deinit { stream.cancel() }
}
