import EventLoop
import GatewayFixtures
import HTTPServer
import Locking
import TestSupport

/// A provider whose streams do not end before somebody ends them.
final class EndlessProvider: Sendable {
  private let state = Lock((sent: 0, isLeft: false))

  /// Bytes of the stream that were taken.
  var sent: Int { state.withLock { $0.sent } }
  /// Whoever read it has gone.
  var isLeft: Bool { state.withLock { $0.isLeft } }

  private static let start =
    #"data: {"type":"message_start","message":{"id":"msg_1","type":"message","#
    + #""role":"assistant","model":"claude-haiku-4-5","content":[],"#
    + #""usage":{"input_tokens":9,"output_tokens":1}}}"# + "\n\n"
  private static let delta =
    #"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""#
    + String(repeating: "on and ", count: 8_000) + #""}}"# + "\n\n"

  private func stream(_ responder: HTTPResponder) async {
    do {
      let writer = try await responder.stream(200, ["content-type": "text/event-stream"])
      try await writer.write(Array(Self.start.utf8))
      let bytes = Array(Self.delta.utf8)
      while true {
        try await writer.write(bytes)
        state.withLock { $0.sent += bytes.count }
      }
    } catch {
      state.withLock { $0.isLeft = true }
    }
  }

  /// A gateway in front of it, in place of the fixture's own.
  static func with(
    _ body: (GatewayFixture, EndlessProvider) async throws -> Void,
    after: (GatewayFixture) throws -> Void
  ) async throws {
    try await GatewayFixture.with { fixture in
      let provider = EndlessProvider()
      let server = HTTPServer(on: fixture.loop) { _ in
        .handle(bodyBytesMax: 1 << 20) { _, _, responder in await provider.stream(responder) }
      }
      let path = "\(fixture.folder)/endless.sock"
      _ = try await server.listen(on: .unix(path: path))
      try await fixture.gateway.end()
      try GatewayFixture.write(
        GatewayFixture.catalog("unix:\(path)"), to: "\(fixture.folder)/gateway.yaml")
      try await fixture.reopened { gateway in
        try await body(fixture, provider)
        try await gateway.end()
      }
      try after(fixture)
      await server.drain()
    }
  }
}
