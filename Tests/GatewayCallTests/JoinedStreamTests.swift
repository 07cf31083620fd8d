import GatewayFixtures
import HTTPClient
import JSON
import TestSupport
import Testing

/// Streams that are equal and asked for at once.
@Suite(.timeLimit(.minutes(2))) struct JoinedStreamTests {
  private func all(
    _ fixture: GatewayFixture, _ count: Int, headers: [(String, String)] = []
  ) async throws -> [GatewayFixture.Reply] {
    try await withThrowingTaskGroup(of: GatewayFixture.Reply.self) { group in
      for _ in 0..<count {
        group.addTask {
          try await fixture.message("the same", most: 200, isStream: true, headers: headers)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
  }

  @Test func `sixty-four of them are one call, and each gets the whole of it`() async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 300]]])
      let replies = try await all(fixture, 64)
      #expect(replies.allSatisfy { $0.status == 200 && $0.text.contains("message_stop") })
      #expect(Set(replies.map(\.text)).count == 1)
      #expect(try await fixture.log().count == 1)
      #expect(try await fixture.bill().count == 1)
      let sources = replies.map { $0.headers["x-assay-cache"] ?? "" }
      #expect(sources.count { $0 == "miss" } == 1, "\(sources)")
      #expect(sources.allSatisfy { ["miss", "joined", "hit"].contains($0) })
      // Whoever asks for a whole answer is not given events.
      let whole = try await fixture.message("the same", most: 200)
      #expect(whole.json["type"] == "message")
    }
  }

  @Test func `those who want an answer of their own are made one each`() async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 100]]])
      _ = try await all(fixture, 4, headers: [("x-assay-cache", "bypass")])
      #expect(try await fixture.log().count == 4)
    }
  }

  @Test func `when the first caller goes away, the others get what it had asked for`() async throws
  {
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": "slow-drip", "with": ["delay_ms": 1]]])
      let first = Task { try await fixture.message("the same", most: 200, isStream: true) }
      try await eventually("the provider is asked", on: fixture.loop) {
        try await fixture.strikes() == 1
      }
      first.cancel()
      let replies = try await all(fixture, 8)
      #expect(replies.allSatisfy { $0.status == 200 && $0.text.contains("message_stop") })
      #expect(try await fixture.log().count == 1)
      _ = await first.result
    }
  }

  // MARK: - What is of use to one caller only

  /// Events of a stream, each with its name and its data.
  private static func events(_ events: [(String, String)]) -> String {
    events.map { "event: \($0)\ndata: \($1)\n\n" }.joined()
  }

  private static let start = [
    (
      "message_start",
      #"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","#
        + #""model":"claude-haiku-4-5","content":[],"usage":{"input_tokens":5,"output_tokens":1}}}"#
    ),
    (
      "content_block_start",
      #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#
    ),
  ]

  private static func delta(_ text: String) -> (String, String) {
    (
      "content_block_delta",
      #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\#(text)"}}"#
    )
  }

  private static let end = [
    (
      "message_delta",
      #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":60}}"#
    ), ("message_stop", #"{"type":"message_stop"}"#),
  ]

  @Test func `when the first one breaks off, the others are asked for anew`() async throws {
    let broken = Self.events(Self.start + [Self.delta("half of")])
    try await RecordingProvider.with(broken, delayed: .milliseconds(300)) { fixture, provider in
      let replies = try await all(fixture, 4)
      #expect(
        replies.allSatisfy { $0.text.contains("half of") && $0.text.contains("event: error") })
      #expect(provider.bodies.count == 4)
    }
  }

  @Test func `one that is too long to be kept is asked for by each`() async throws {
    let text = String(repeating: "long ", count: 400)
    let long = Self.events(
      Self.start + Array(repeating: Self.delta(text), count: 600) + Self.end)
    try await RecordingProvider.with(long, delayed: .milliseconds(300)) { fixture, provider in
      let replies = try await all(fixture, 4)
      #expect(replies.map(\.body.count) == Array(repeating: long.utf8.count, count: 4))
      #expect(provider.bodies.count == 4)
    }
  }
}
