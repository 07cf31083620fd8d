import EventLoop
import HTTPServer
import Locking
import TestSupport

/// A provider that keeps what it was sent, byte for byte, and answers the same to everybody.
package final class RecordingProvider: Sendable {
  private let kept = Lock<[String]>([])

  package var bodies: [String] { kept.withLock { $0 } }

  package static let answer =
    #"{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","#
    + #""content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn","#
    + #""usage":{"input_tokens":1,"output_tokens":1}}"#

  /// A gateway in front of it, in place of the fixture's own in front of the simulator, in each of
  /// several rounds another process; it answers after `delay`, and `after` sees what it was sent.
  package static func with(
    _ answer: String = answer, delayed delay: Duration = .zero, rounds: Int = 1,
    _ body: (GatewayFixture, RecordingProvider) async throws -> Void,
    after: (RecordingProvider) throws -> Void = { _ in }
  ) async throws {
    try await GatewayFixture.with { fixture in
      let provider = RecordingProvider()
      let server = HTTPServer(on: fixture.loop) { _ in
        .handle(bodyBytesMax: 1 << 20) { _, bytes, responder in
          provider.kept.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
          if delay > .zero { try? await fixture.loop.sleep(for: delay) }
          responder.respond(.json(200, Array(answer.utf8)))
        }
      }
      let path = "\(fixture.folder)/recorder.sock"
      _ = try await server.listen(on: .unix(path: path))
      try await fixture.gateway.end()
      try GatewayFixture.write(
        GatewayFixture.catalog("unix:\(path)"), to: "\(fixture.folder)/gateway.yaml")
      for _ in 0..<rounds {
        try await fixture.reopened { gateway in
          try await body(fixture, provider)
          try await gateway.end()
        }
      }
      try after(provider)
      await server.drain()
    }
  }
}
