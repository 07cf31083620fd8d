import EventLoop
import HTTPServer
import Locking
import TestSupport

/// A provider that keeps what it was sent, byte for byte, and answers the same to everybody.
final class RecordingProvider: Sendable {
  private struct State {
    var bodies: [String] = []
    var refusals = 0
    var gateway: Int32 = 0
  }

  private let state = Lock(State())

  var bodies: [String] { state.withLock { $0.bodies } }
  /// The process of the gateway in front of it.
  var gateway: Int32 { state.withLock { $0.gateway } }

  /// Says of the next calls that it is overloaded, once it has all of them.
  func refuseNext(_ count: Int) { state.withLock { $0.refusals = count } }

  /// Keeps no body of before.
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

  /// A gateway in front of it, in place of the fixture's own in front of the simulator.
  static func with(
    openAI dialect: String = "openai", bodyBytesMax: Int = 1 << 20,
    settings: [String: String] = [:],
    _ body: (GatewayFixture, RecordingProvider) async throws -> Void
  ) async throws {
    try await GatewayFixture.with { fixture in
      let provider = RecordingProvider()
      let server = HTTPServer(on: fixture.loop) { _ in
        .handle(bodyBytesMax: bodyBytesMax) { _, bytes, responder in
          responder.respond(provider.take(bytes))
        }
      }
      let path = "\(fixture.folder)/recorder.sock"
      _ = try await server.listen(on: .unix(path: path))
      try await fixture.gateway.end()
      let catalog = GatewayFixture.catalog("unix:\(path)")
        .replacing("dialect: openai", with: "dialect: \(dialect)")
      try GatewayFixture.write(catalog, to: "\(fixture.folder)/gateway.yaml")
      try await fixture.reopened(settings) { gateway in
        provider.state.withLock { $0.gateway = gateway.pid }
        try await body(fixture, provider)
        try await gateway.end()
      }
      await server.drain()
    }
  }
}
