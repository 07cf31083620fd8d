import EventLoop
import GatewayFixtures
import Glibc
import HTTPClient
import JSON
import Machine
import TestSupport
import Testing

/// The very same is paid once a product, and nothing is given again that was no whole answer.
@Suite(.timeLimit(.minutes(3))) struct CacheTests {
  private let refresh = [("x-assay-cache", "refresh")]
  private let bypass = [("x-assay-cache", "bypass")]

  /// With room enough that the answer is whole.
  private func message(
    _ fixture: GatewayFixture, _ text: String, most: Int = 900, isStream: Bool = false,
    key: String = GatewayFixture.key, headers: [(String, String)] = []
  ) async throws -> GatewayFixture.Reply {
    try await fixture.message(text, most: most, isStream: isStream, key: key, headers: headers)
  }

  private func source(_ reply: GatewayFixture.Reply) -> String {
    reply.headers["x-assay-cache"] ?? ""
  }

  @Test func `the same is paid once, told so, and costs the second caller nothing`() async throws {
    try await GatewayFixture.with { fixture in
      let first = try await message(fixture, "the same")
      let again = try await message(fixture, "the same")
      #expect(source(first) == "miss" && source(again) == "hit")
      #expect(again.body == first.body && again.cost == 0 && first.cost > 0)
      #expect(again.headers["x-assay-attempts"] == "0")
      // Another word, another sample, another limit, an unknown member: another call.
      _ = try await message(fixture, "the same.")
      _ = try await message(fixture, "the same", headers: [("x-assay-sample", "1")])
      _ = try await message(fixture, "the same", most: 901)
      _ = try await fixture.ask("/v1/messages", Self.body("the same", ["later_member": 1]))
      _ = try await message(fixture, "the same", headers: [("anthropic-beta", "some-2026-01-01")])
      #expect(try await fixture.bill().count == 6)
      // What changes no answer: the order of members, and whom the call is for.
      let ordered =
        #"{"messages":[{"content":"the same","role":"user"}],"max_tokens":900,"#
        + #""metadata":{"user_id":"u"},"model":"claude-haiku-4-5"}"#
      #expect(source(try await fixture.raw("/v1/messages", Array(ordered.utf8))) == "hit")
      #expect(try await fixture.bill().count == 6)
      let metrics = try await fixture.metrics()
      let line = #"assay_gateway_cache_answers_total{product="demo",state="hit"} 2"#
      #expect(metrics.contains(line), "\(metrics.filter { $0.contains("cache_answers") })")
    }
  }

  @Test func `no product is given what another has paid for`() async throws {
    try await GatewayFixture.with { fixture in
      let texts = (0..<20).map { "question \($0)" }
      for text in texts { _ = try await message(fixture, text) }
      for text in texts {
        let foreign = try await message(fixture, text, key: "other-key")
        #expect(source(foreign) == "miss")
      }
      #expect(try await fixture.bill().count == 40)
      // Each has its own by now.
      for text in texts {
        let again = try await message(fixture, text)
        #expect(source(again) == "hit")
      }
      #expect(try await fixture.bill().count == 40)
      // The same at once is not shared either.
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 200]]])
      async let mine = message(fixture, "at once")
      async let theirs = message(fixture, "at once", key: "other-key")
      let sources = try await [source(mine), source(theirs)]
      #expect(sources == ["miss", "miss"])
      #expect(try await fixture.bill().count == 42)
    }
  }

  @Test(arguments: ["refusal", "max-tokens", "server-error", "empty-content"])
  func `what is no whole answer is never given again`(fault: String) async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.script([["fault": .string(fault), "times": 1]])
      let none = [("x-assay-max-retries", "0")]
      let first = try await message(fixture, "once", headers: none)
      #expect(try await fixture.strikes() == 1)
      let second = try await message(fixture, "once", headers: none)
      #expect(source(second) == "miss" && second.status == 200)
      #expect(second.body != first.body)
      #expect(source(try await message(fixture, "once")) == "hit")
    }
  }

  @Test func `a refresh asks anew and is kept, a bypass is neither read nor kept`() async throws {
    try await GatewayFixture.with { fixture in
      let first = try await message(fixture, "x")
      let fresh = try await message(fixture, "x", headers: refresh)
      #expect(source(fresh) == "miss" && fresh.headers["request-id"] != first.headers["request-id"])
      let known = try await message(fixture, "x")
      #expect(source(known) == "hit" && known.headers["request-id"] == fresh.headers["request-id"])
      let past = try await message(fixture, "x", headers: bypass)
      #expect(source(past) == "miss")
      let still = try await message(fixture, "x")
      #expect(still.headers["request-id"] == fresh.headers["request-id"])
      _ = try await message(fixture, "y", headers: bypass)
      #expect(source(try await message(fixture, "y")) == "miss")
      #expect(try await fixture.bill().count == 5)
    }
  }

  @Test func `a stream is given again as the stream that it was`() async throws {
    try await GatewayFixture.with { fixture in
      let first = try await message(fixture, "s", isStream: true)
      let again = try await message(fixture, "s", isStream: true)
      #expect(source(again) == "hit" && again.body == first.body)
      #expect(again.headers["content-type"]?.hasPrefix("text/event-stream") ?? false)
      // Asked for whole, it is another request.
      #expect(source(try await message(fixture, "s")) == "miss")
      // One that broke off is not kept.
      try await fixture.script([["fault": "stream-cut", "times": 1]])
      _ = try? await message(fixture, "broken", isStream: true)
      #expect(try await fixture.strikes() == 1)
      #expect(source(try await message(fixture, "broken", isStream: true)) == "miss")
    }
  }

  @Test func `a call key says what it was answered, whatever the cache knows`() async throws {
    try await GatewayFixture.with { fixture in
      let key = [("x-assay-call-key", "k")]
      let paid = try await message(fixture, "q", headers: key)
      let fresh = try await message(fixture, "q", headers: refresh)
      let replay = try await message(fixture, "q", headers: key)
      #expect(source(replay) == "replay")
      #expect(replay.headers["request-id"] == paid.headers["request-id"])
      #expect(fresh.headers["request-id"] != paid.headers["request-id"])
      // A key that only ever got a hit is free for what it asked.
      let other = [("x-assay-call-key", "other")]
      #expect(source(try await message(fixture, "q", headers: other)) == "hit")
      #expect(source(try await message(fixture, "q", headers: other)) == "hit")
      #expect(try await fixture.bill().count == 2)
    }
  }

  @Test func `an answer outlives the gateway, and a broken file fails nobody`() async throws {
    try await GatewayFixture.with { fixture in
      let first = try await message(fixture, "kept")
      try await fixture.gateway.end()
      try await fixture.reopened { gateway in
        let again = try await message(fixture, "kept")
        #expect(source(again) == "hit" && again.body == first.body)
        try await gateway.end()
      }
      let path = "\(fixture.folder)/ledger/cache.db"
      try Files.replace(path, with: String(repeating: "no database ", count: 1_000))
      try await fixture.reopened { gateway in
        #expect(source(try await message(fixture, "kept")) == "miss")
        #expect(source(try await message(fixture, "kept")) == "hit")
        // While it runs, the file is cut to nothing under it.
        #expect(unsafe truncate(path, 0) == 0)
        for index in 0..<50 {
          #expect(try await message(fixture, "after \(index)").status == 200)
        }
        try await gateway.end()
      }
    }
  }

  @Test(arguments: [("ASSAY_GATEWAY_CACHE_BYTES", "0"), ("ASSAY_GATEWAY_CACHE_AGE", "0s")])
  func `a cache that is switched off is off`(setting: String, off: String) async throws {
    try await GatewayFixture.with(settings: [setting: off]) { fixture in
      let first = try await message(fixture, "x")
      let second = try await message(fixture, "x")
      #expect(source(first) == "miss" && source(second) == "miss")
      let bill = try await fixture.bill()
      #expect(bill.count == 2)
      #expect(Files.facts(of: "\(fixture.folder)/ledger/cache.db") == nil)
      #expect(fixture.gateway.output.errorLines.contains { $0.contains("answers are not cached") })
    }
  }

  @Test func `the bytes of a request reach the provider in their order`() async throws {
    try await RecordingProvider.with { fixture, provider in
      let body =
        #"{"z":1,"messages":[{"content":"order","role":"user"}], "max_tokens":32,"#
        + #""model":"claude-haiku-4-5","a":{"y":1,"b":2}}"#
      let reply = try await fixture.raw("/v1/messages", Array(body.utf8))
      #expect(reply.status == 200)
      #expect(provider.bodies == [body])
    }
  }

  static func body(_ text: String, _ further: JSONObject = JSONObject()) -> JSONValue {
    var object: JSONObject = [
      "model": "claude-haiku-4-5", "max_tokens": 900,
      "messages": [["role": "user", "content": .string(text)]],
    ]
    for (key, value) in further { object[key] = value }
    return .object(object)
  }
}
