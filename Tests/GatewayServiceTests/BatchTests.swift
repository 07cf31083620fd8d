import GatewayAudit
import GatewayFixtures
import GatewayValues
import Glibc
import HTTPClient
import JSON
import TestSupport
import Testing

/// Batches through a real gateway to a real simulator: what they cost, and what they survive.
@Suite(.timeLimit(.minutes(4))) struct BatchTests {
  private static let path = "/v1/messages/batches"

  private func requests(
    _ count: Int, model: String = "claude-haiku-4-5", tokens: Int = 50
  ) -> JSONValue {
    .object([
      "requests": .array(
        (0..<count).map { index in
          [
            "custom_id": .string("call-\(index)"),
            "params": [
              "model": .string(model), "max_tokens": .number(tokens),
              "messages": [["role": "user", "content": .string("item \(index)")]],
            ],
          ]
        })
    ])
  }

  private func ended(_ fixture: GatewayFixture, _ id: String) async throws -> JSONValue {
    var last = JSONValue.null
    try await eventually("batch \(id) has ended", on: fixture.loop) {
      last = try await fixture.get("\(Self.path)/\(id)").json
      return last["processing_status"] == "ended"
    }
    return last
  }

  private func created(_ reply: GatewayFixture.Reply) throws -> String {
    try #require(reply.status == 200, "\(reply.text)")
    return try #require(reply.json["id"]?.stringValue)
  }

  private func results(_ fixture: GatewayFixture, _ id: String) async throws -> [String: String] {
    let reply = try await fixture.get("\(Self.path)/\(id)/results")
    try #require(reply.status == 200, "\(reply.text)")
    var types: [String: String] = [:]
    for line in reply.text.split(separator: "\n") {
      let value = try JSONValue(parsing: String(line))
      let name = try #require(value["custom_id"]?.stringValue)
      #expect(types[name] == nil, "\(name) is there twice")
      types[name] = value["result"]?["type"]?.stringValue
    }
    return types
  }

  /// Closes both and adds up: every billed request is in the ledger as it was billed.
  private func audit(_ fixture: GatewayFixture) async throws -> (AuditReport, BillComparison) {
    try await fixture.gateway.end()
    try await fixture.simulator.end()
    let bill = try BilledCall.read("\(fixture.folder)/bill.jsonl")
    let report = try LedgerAudit.run(folder: "\(fixture.folder)/ledger", bill: bill)
    #expect(report.isClean, "\(report.problems.prefix(5))")
    let comparison = try #require(report.bill)
    #expect(comparison.coversBill && comparison.extra.isEmpty, "\(comparison)")
    return (report, comparison)
  }

  // MARK: - Money

  @Test func `each request costs what is billed for it: half of what it costs alone`()
    async throws
  {
    try await GatewayFixture.with { fixture in
      let id = try created(try await fixture.ask(Self.path, requests(150)))
      let batch = try await ended(fixture, id)
      #expect(batch["request_counts"]?["succeeded"] == 150, "\(batch)")
      let types = try await results(fixture, id)
      #expect(types.count == 150 && types.values.allSatisfy { $0 == "succeeded" })
      let billed = try await fixture.bill().values.reduce(0) { $0 + $1.cost }
      let alone = try await fixture.message("item 7", most: 50).cost
      let (report, comparison) = try await audit(fixture)
      #expect(comparison.equal == 151 && comparison.uncertain.isEmpty)
      #expect(report.settled.count == billed + alone)
      let bill = try BilledCall.read("\(fixture.folder)/bill.jsonl")
      let one = try #require(bill.first { $0.isBatched && $0.callKey == "\(id)-7" })
      #expect(one.cost.count == (alone + 1) / 2)
    }
  }

  @Test func `errored, canceled and expired requests cost nothing`() async throws {
    try await GatewayFixture.with { fixture in
      // 64 requests a turn: the rest of 100 is there to be canceled, or to expire.
      try await fixture.latency(milliseconds: 300)
      var body = requests(100)
      body = body.appendingRequest(["custom_id": "bad", "params": ["model": "claude-haiku-4-5"]])
      let canceled = try created(try await fixture.ask(Self.path, body))
      try await eventually("some are billed", on: fixture.loop) {
        try await fixture.bill().count >= 64
      }
      let reply = try await fixture.ask("\(Self.path)/\(canceled)/cancel", .null)
      #expect(reply.json["processing_status"] == "canceling", "\(reply.text)")
      #expect(reply.json["cancel_initiated_at"] != .null)
      let batch = try await ended(fixture, canceled)
      #expect(batch["request_counts"]?["succeeded"] == 64, "\(batch)")
      #expect(batch["request_counts"]?["canceled"] == 37, "\(batch)")
      let expiring = try created(try await fixture.ask(Self.path, body))
      try await eventually("some more are billed", on: fixture.loop) {
        try await fixture.bill().count >= 128
      }
      try await fixture.advanceClock(seconds: 90_000)
      let expired = try await ended(fixture, expiring)
      #expect(expired["request_counts"]?["expired"] == 37, "\(expired)")
      let types = try await results(fixture, expiring)
      #expect(types.count == 101 && types.values.filter { $0 == "expired" }.count == 37)
      try await fixture.latency(milliseconds: 0)
      let erring = try created(try await fixture.ask(Self.path, body))
      #expect(try await ended(fixture, erring)["request_counts"]?["errored"] == 1)
      let (report, comparison) = try await audit(fixture)
      #expect(comparison.equal == 64 + 64 + 100 && comparison.uncertain.isEmpty)
      #expect(report.lines == 303)
    }
  }

  @Test func `a batch that a budget cannot hold is refused whole`() async throws {
    // One request is held at 1.6 thousandths of a dollar; 100 are not.
    try await GatewayFixture.with(budget: "total: 0.02") { fixture in
      let reply = try await fixture.ask(Self.path, requests(100, tokens: 200))
      #expect(reply.status == 402 && reply.reason == "BUDGET_EXHAUSTED", "\(reply.text)")
      #expect(try await fixture.get(Self.path).json["data"] == [])
      #expect(try await fixture.log().isEmpty)
      // Nothing of it is held: one that fits takes the place.
      let id = try created(try await fixture.ask(Self.path, requests(10, tokens: 200)))
      _ = try await ended(fixture, id)
      let (report, _) = try await audit(fixture)
      #expect(report.lines == 10)
    }
  }

  @Test func `a model without a price, or that streams, is refused with its place`() async throws {
    try await GatewayFixture.with { fixture in
      let unknown = requests(1).appendingRequest(
        ["custom_id": "x", "params": ["model": "nobody", "max_tokens": 1, "messages": []]])
      let reply = try await fixture.ask(Self.path, unknown)
      #expect(reply.status == 404 && reply.text.contains("requests.1.params"), "\(reply.text)")
      let streams = requests(1).appendingRequest(
        [
          "custom_id": "x",
          "params": [
            "model": "claude-haiku-4-5", "max_tokens": 1, "messages": [], "stream": true,
          ],
        ])
      let second = try await fixture.ask(Self.path, streams)
      #expect(second.status == 400 && second.text.contains("requests.1.params: stream"))
      let mixed = requests(1).appendingRequest(
        ["custom_id": "x", "params": ["model": "gpt-5.6-luna", "messages": []]])
      #expect(try await fixture.ask(Self.path, mixed).status == 400)
      #expect(try await fixture.log().isEmpty)
    }
  }

  // MARK: - Products

  @Test func `another product's batch and file are not there`() async throws {
    try await GatewayFixture.with { fixture in
      let id = try created(try await fixture.ask(Self.path, requests(1)))
      _ = try await ended(fixture, id)
      for path in ["\(Self.path)/\(id)", "\(Self.path)/\(id)/results"] {
        let reply = try await fixture.get(path, key: "other-key")
        #expect(reply.status == 404 && reply.json["error"]?["type"] == "not_found_error")
      }
      let cancel = try await fixture.ask(
        "\(Self.path)/\(id)/cancel", .null, key: "other-key")
      #expect(cancel.status == 404)
      #expect(try await fixture.get(Self.path, key: "other-key").json["data"] == [])
      let file = try await fixture.upload("x")
      let fileID = try #require(file.json["id"]?.stringValue, "\(file.text)")
      for path in ["/v1/files/\(fileID)", "/v1/files/\(fileID)/content"] {
        let reply = try await fixture.get(path, key: "other-key")
        #expect(reply.status == 404 && reply.json["error"]?["code"] == "unknown_file")
        #expect(try await fixture.get(path).status == 200)
      }
      let batch = try await fixture.ask(
        "/v1/batches",
        [
          "input_file_id": .string(fileID), "endpoint": "/v1/chat/completions",
          "completion_window": "24h",
        ], key: "other-key")
      #expect(batch.status == 404)
      // Ended, it goes for its own product when that says so.
      #expect(try await fixture.delete("\(Self.path)/\(id)", key: "other-key").status == 404)
      #expect(try await fixture.delete("\(Self.path)/\(id)").status == 200)
      #expect(try await fixture.get("\(Self.path)/\(id)").status == 404)
      #expect(try await fixture.delete("/v1/files/\(fileID)").json["deleted"] == true)
      #expect(try await fixture.get("/v1/files/\(fileID)").status == 404)
    }
  }

  @Test func `a file with a wrong line is refused with its number`() async throws {
    try await GatewayFixture.with { fixture in
      let line =
        #"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}"#
      let file = try await fixture.upload("\(line)\n{\"custom_id\":\"b\"\n")
      let order: JSONValue = [
        "input_file_id": try #require(file.json["id"]), "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
      ]
      let reply = try await fixture.ask("/v1/batches", order)
      #expect(reply.status == 400 && reply.text.contains("Line 2"), "\(reply.text)")
    }
  }

  // MARK: - Crashes

  /// Where a gateway is killed, and how many requests its provider is asked for in all.
  struct Crash: CustomTestStringConvertible, Sendable {
    let failpoint: String
    /// Whether the caller was told of the batch, or has to find it.
    let isKnown: Bool
    let isOpenAI: Bool

    var testDescription: String { "\(failpoint)\(isOpenAI ? ", OpenAI" : "")" }

    static let all = [
      Crash("batches.create.before-write"), Crash("batches.create.before-send"),
      Crash("batches.send.after-answer"), Crash("batches.send.after-answer", isOpenAI: true),
      Crash("batches.poll.after-answer"), Crash("batches.collect.after-group"),
      Crash("batches.collect.after-settlement"),
      Crash("batches.collect.after-settlement", isOpenAI: true),
    ]

    init(_ failpoint: String, isOpenAI: Bool = false) {
      self.failpoint = failpoint
      self.isOpenAI = isOpenAI
      isKnown = !failpoint.hasPrefix("batches.create.")
    }
  }

  @Test(arguments: Crash.all)
  func `killed anywhere, it goes on: nothing is paid twice or lost`(crash: Crash) async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.gateway.end()
      // Long enough for polls between, and for a batch that still runs when it is looked for.
      try await fixture.latency(milliseconds: 150)
      var environment = GatewayFixture.environment(fixture.folder, "process")
      environment["ASSAY_FAILPOINT"] = "\(crash.failpoint):1:abort"
      try await fixture.running(environment) { gateway in
        _ =
          try? await crash.isOpenAI
          ? fixture.openAIBatch(150) : fixture.ask(Self.path, requests(150))
        _ = try await gateway.ended()
      }
      environment["ASSAY_FAILPOINT"] = nil
      try await fixture.running(environment) { gateway in
        let list = crash.isOpenAI ? "/v1/batches" : Self.path
        if crash.isKnown {
          try await eventually("the batch has ended", on: fixture.loop) {
            let found = try await fixture.get(list).json["data"]?.arrayValue ?? []
            #expect(found.count == 1)
            return found.first?["processing_status"] == "ended"
              || found.first?["status"] == "completed"
          }
        } else {
          // It never left, and nobody was told of it.
          #expect(try await fixture.get(list).json["data"] == [])
        }
        try await gateway.end()
      }
      try await fixture.simulator.end()
      let bill = try BilledCall.read("\(fixture.folder)/bill.jsonl")
      #expect(bill.count == (crash.isKnown ? 150 : 0))
      let report = try LedgerAudit.run(folder: "\(fixture.folder)/ledger", bill: bill)
      #expect(report.isClean, "\(report.problems.prefix(5))")
      let comparison = try #require(report.bill)
      #expect(comparison.coversBill && comparison.extra.isEmpty, "\(comparison)")
      #expect(comparison.equal == bill.count && comparison.uncertain.isEmpty, "\(comparison)")
      // What was uncertain while nobody knew has become what it cost.
      #expect(report.settled == comparison.billedTotal && report.uncertain == .zero)
    }
  }

  @Test func `what a batch may still cost counts against its budget after a kill`() async throws {
    try await GatewayFixture.with(budget: "total: 0.02") { fixture in
      try await fixture.gateway.end()
      try await fixture.latency(milliseconds: 60_000)
      let environment = GatewayFixture.environment(fixture.folder, "process")
      let id = try await fixture.running(environment) { gateway in
        let id = try created(try await fixture.ask(Self.path, requests(10, tokens: 200)))
        kill(gateway.pid, SIGKILL)
        _ = try await gateway.ended()
        return id
      }
      try await fixture.running(environment) { gateway in
        let again = try await fixture.ask(Self.path, requests(10, tokens: 200))
        #expect(again.status == 402, "\(again.text)")
        let batch = try await fixture.get("\(Self.path)/\(id)").json
        #expect(batch["processing_status"] == "in_progress", "\(batch)")
        try await gateway.end()
      }
    }
  }
}

extension JSONValue {
  fileprivate func appendingRequest(_ request: JSONValue) -> JSONValue {
    .object(["requests": .array((self["requests"]?.arrayValue ?? []) + [request])])
  }
}
