import EventLoop
import GatewayFixtures
import HTTPServer
import Locking
import TestSupport

/// A provider that takes every request whole, and answers none before it is told to.
final class HoldingProvider: Sendable {
  private struct State {
    var held = 0
    var isOpen = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Lock(State())

  private static let answer =
    #"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5","#
    + #""content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn","#
    + #""usage":{"input_tokens":1,"output_tokens":1}}"#

  /// Requests that came and wait for their answers.
  var held: Int { state.withLock { $0.held } }

  /// From now on, everybody is answered.
  func open() {
    let waiting = state.withLock { state in
      defer { state.waiting = [] }
      state.isOpen = true
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  private func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        state.held += 1
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  /// Beside the simulator, which serves the rest; asked for one model alone.
  static func with(
    _ settings: [String: String] = [:],
    _ body: (GatewayFixture, HoldingProvider) async throws -> Void
  ) async throws {
    var setup = GatewaySetup { provider, folder in
      // Behind the others, which serve all that they know of before it.
      GatewayFixture.catalog(provider).replacing(
        "products:\n",
        with: """
            slow:
              dialect: anthropic
              url: unix:\(folder)/slow.sock
              internal: true
              keys: {main: {text: slow-main}}
          products:

          """) + """

          models:
            claude-opus-5:
              serve: {slow: claude-opus-5}
              context_tokens: 1000000
              output_tokens_max: 128000
              price: {input: 5, output: 25}
          """
    }
    setup.gateway = settings
    try await GatewayFixture.with(setup) { fixture in
      let provider = HoldingProvider()
      let server = HTTPServer(on: fixture.loop) { _ in
        .handle(bodyBytesMax: 32 << 20) { _, _, responder in
          await provider.wait()
          responder.respond(.json(200, Array(answer.utf8)))
        }
      }
      _ = try await server.listen(on: .unix(path: "\(fixture.folder)/slow.sock"))
      defer { provider.open() }
      try await body(fixture, provider)
      await server.drain()
    }
  }
}
