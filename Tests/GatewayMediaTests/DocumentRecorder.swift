import EventLoop
import HTTPServer
import Locking

/// A provider that keeps what it was sent, byte for byte, and answers the same to everybody.
final class DocumentRecorder: Sendable {
  private struct State {
    var bodies: [String] = []
    var refusals = 0
  }

  private let state = Lock(State())

  /// Those that came whole.
  var bodies: [String] { state.withLock { $0.bodies } }

  /// Says of the next calls that it is overloaded, once it has all of them.
  func refuseNext(_ count: Int) { state.withLock { $0.refusals = count } }

  func forget() { state.withLock { $0.bodies = [] } }

  private static let answer =
    #"{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","#
    + #""content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn","#
    + #""usage":{"input_tokens":1,"output_tokens":1}}"#
  private static let refusal =
    #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#

  private func take(_ bytes: [UInt8]) -> HTTPResponse {
    state.withLock { state in
      state.bodies.append(String(decoding: bytes, as: UTF8.self))
      guard state.refusals > 0 else { return .json(200, Array(Self.answer.utf8)) }
      state.refusals -= 1
      return .json(529, Array(Self.refusal.utf8))
    }
  }

  /// Listens at a path while `body` runs.
  func listening(
    at path: String, on loop: EventLoop, _ body: () async throws -> Void
  ) async throws {
    let server = HTTPServer(on: loop) { _ in
      .handle(bodyBytesMax: 64 << 20) { [self] _, bytes, responder in
        responder.respond(take(bytes))
      }
    }
    _ = try await server.listen(on: .unix(path: path))
    try await body()
    await server.drain()
  }
}
