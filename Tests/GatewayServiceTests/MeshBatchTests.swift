import Faults
import GRPCFormat
import GatewayAudit
import GatewayContract
import GatewayFixtures
import GatewayValues
import Glibc
import JSON
import Machine
import MeshAddressing
import RPC
import ScoreContract
import Telemetry
import TestSupport
import Testing

/// Calls of the mesh that can wait, on their way through a provider's batch.
@Suite(.timeLimit(.minutes(3))) struct MeshBatchTests {
  private static var now: Int64 { WallTime.now().seconds * 1_000 }

  private func request(
    _ key: String, model: String = "claude-haiku-4-5", deadline: Int64
  ) -> GenerateRequest {
    var request = GenerateRequest(
      callKey: key, model: model, blocks: [Block(role: .user, text: "Score \(key).")],
      outputTokensMax: 50)
    request.policy = CallPolicy()
    request.policy?.batchDeadlineMs = deadline
    return request
  }

  private var options: CallOptions {
    var options = CallOptions()
    _ = options.metadata.add("assay-product", "demo")
    return options
  }

  private func environment(_ folder: String) -> [String: String] {
    var environment = GatewayFixture.environment(folder, "process")
    environment["ASSAY_GATEWAY_BATCH_GATHER"] = "100ms"
    environment["ASSAY_GATEWAY_BATCH_LEAD"] = "2s"
    return environment
  }

  /// A gateway that gathers quickly, in the place of the fixture's own.
  private func with(
    _ fixture: GatewayFixture, _ body: (ChildTool, GatewayClient) async throws -> Void
  ) async throws {
    try await fixture.running(environment(fixture.folder)) { gateway in
      let channel = Channel(to: .unix(path: "\(fixture.folder)/gw.sock"), on: fixture.loop)
      try await body(gateway, GatewayClient(channel))
      await channel.shutDown()
    }
  }

  private func told(
    _ client: GatewayClient, _ key: String
  ) async throws -> GetCallResponse {
    try await client.getCall(GetCallRequest(callKey: key), options: options)
  }

  private func audit(_ fixture: GatewayFixture) async throws -> BillComparison {
    try await fixture.simulator.end()
    let bill = try BilledCall.read("\(fixture.folder)/bill.jsonl")
    let report = try LedgerAudit.run(folder: "\(fixture.folder)/ledger", bill: bill)
    #expect(report.isClean, "\(report.problems.prefix(5))")
    let comparison = try #require(report.bill)
    #expect(comparison.coversBill && comparison.extra.isEmpty, "\(comparison)")
    return comparison
  }

  @Test(arguments: ["claude-haiku-4-5", "gpt-5.6-luna"])
  func `calls that can wait share a batch, and cost half`(model: String) async throws {
    try await GatewayFixture.with { fixture in
      try await fixture.gateway.end()
      try await fixture.latency(milliseconds: 300)
      try await with(fixture) { gateway, client in
        let deadline = Self.now + 3_600_000
        let (first, options) = (request("k-0", model: model, deadline: deadline), options)
        async let early = client.generate(first, options: options)
        try await eventually("the first is under way", on: fixture.loop) {
          try await told(client, "k-0").state == .inFlight
        }
        let texts = try await withThrowingTaskGroup(of: (String, Int64).self) { group in
          for index in 1..<20 {
            group.addTask {
              let asked = request("k-\(index)", model: model, deadline: deadline)
              let answer = try await client.generate(asked, options: options)
              #expect(!answer.isReplay && answer.callKey == "k-\(index)")
              return (answer.text, answer.usage?.costNanos ?? 0)
            }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        let answer = try await early
        #expect(!answer.text.isEmpty && texts.allSatisfy { !$0.0.isEmpty && $0.1 > 0 })
        let standing = try await told(client, "k-0")
        #expect(standing.state == .settled && standing.response?.text == answer.text)
        // It is paid once, whoever asks again and how.
        var again = request("k-0", model: model, deadline: 0)
        again.policy = nil
        let replay = try await client.generate(again, options: options)
        #expect(replay.isReplay && replay.text == answer.text)
        // Nobody's own batch: in no list.
        #expect(try await fixture.get("/v1/messages/batches").json["data"] == [])
        #expect(try await fixture.get("/v1/batches").json["data"] == [])
        try await gateway.end()
      }
      let bill = try BilledCall.read("\(fixture.folder)/bill.jsonl")
      #expect(bill.count == 20 && bill.allSatisfy(\.isBatched))
      let comparison = try await audit(fixture)
      #expect(comparison.equal == 20 && comparison.uncertain.isEmpty)
    }
  }

  @Test func `a call goes on after a kill: it is asked about, answered and paid once`()
    async throws
  {
    try await GatewayFixture.with { fixture in
      try await fixture.gateway.end()
      try await fixture.latency(milliseconds: 1_500)
      let asked = request("kept", deadline: Self.now + 3_600_000)
      try await with(fixture) { gateway, client in
        async let lost = try? client.generate(asked, options: options)
        try await eventually("it was sent", on: fixture.loop) {
          gateway.output.errorLines.contains { $0.contains("a batch was sent") }
        }
        kill(gateway.pid, SIGKILL)
        _ = try await gateway.ended()
        #expect(await lost == nil)
      }
      try await with(fixture) { gateway, client in
        #expect(try await told(client, "kept").state == .inFlight)
        // Who asks again waits for the same.
        let answer = try await client.generate(asked, options: options)
        #expect(!answer.text.isEmpty)
        let standing = try await told(client, "kept")
        #expect(standing.state == .settled && standing.response?.text == answer.text)
        var other = asked
        other.blocks = [Block(role: .user, text: "Something else.")]
        var refusal: Fault?
        do { _ = try await client.generate(other, options: options) } catch let fault as Fault {
          refusal = fault
        }
        #expect(refusal?.reason == "CALL_KEY_REUSED")
        try await gateway.end()
      }
      let comparison = try await audit(fixture)
      #expect(comparison.equal == 1 && comparison.uncertain.isEmpty)
    }
  }

  @Test func `what a batch does not answer in time is asked for alone`()
    async throws
  {
    try await GatewayFixture.with { fixture in
      try await fixture.gateway.end()
      try await fixture.latency(milliseconds: 60_000)
      try await with(fixture) { gateway, client in
        let deadline = Self.now + 7_000
        let asked = request("late", deadline: deadline)
        async let answer = client.generate(asked, options: options)
        try await eventually("it was sent", on: fixture.loop) {
          gateway.output.errorLines.contains { $0.contains("a batch was sent") }
        }
        try await fixture.latency(milliseconds: 0)
        let text = try await answer.text
        #expect(!text.isEmpty)
        try await gateway.end()
      }
      // The batch may still be answered: until it is, it counts at its bound.
      let comparison = try await audit(fixture)
      #expect(comparison.equal == 1 && comparison.uncertain.count == 1)
      let bill = try BilledCall.read("\(fixture.folder)/bill.jsonl")
      #expect(bill.count == 1 && !bill[0].isBatched)
    }
  }

  @Test func `a deadline that is too near, or a call without a key, is made at once`()
    async throws
  {
    try await GatewayFixture.with { fixture in
      try await fixture.gateway.end()
      try await with(fixture) { gateway, client in
        let near = request("near", deadline: Self.now + 1_000)
        #expect(try await !client.generate(near, options: options).text.isEmpty)
        let unnamed = request("", deadline: Self.now + 3_600_000)
        #expect(try await !client.generate(unnamed, options: options).text.isEmpty)
        var refusal: Fault?
        do {
          let unknown = request("x", model: "nobody", deadline: Self.now + 3_600_000)
          _ = try await client.generate(unknown, options: options)
        } catch let fault as Fault {
          refusal = fault
        }
        #expect(refusal?.reason == "UNKNOWN_MODEL")
        try await gateway.end()
      }
      let bill = try BilledCall.read("\(fixture.folder)/bill.jsonl")
      #expect(bill.count == 2 && bill.allSatisfy { !$0.isBatched })
    }
  }
}
