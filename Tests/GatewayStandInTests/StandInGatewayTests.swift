import EventLoop
import Faults
import GatewayContract
import GatewayStandIn
import Glibc
import JSON
import MeshAddressing
import RPC
import ScoreContract
import TestSupport
import Testing

/// The stand-in behind a real server, called through a real channel.
@Suite(.timeLimit(.minutes(1))) struct StandInGatewayTests {
  /// A stand-in, a client of it, and where it logs payments.
  private func with(
    _ script: StandInScript, log: String, _ body: (GatewayClient, EventLoop) async throws -> Void
  ) async throws {
    let loop = try EventLoop(name: "stand-in")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    let gateway = try StandInGateway(script: script, logPath: log, loop: loop)
    let server = Server(
      loop: loop, services: [gateway.definition],
      options: ServerOptions(callers: CallerTable(ownUID: getuid())))
    var options = ChannelOptions()
    options.connector = .inProcess(to: server)
    let channel = Channel(to: .unix(path: "/in-process"), on: loop, options: options)
    try await body(GatewayClient(channel), loop)
    await channel.shutDown()
  }

  private func request(_ key: String, _ texts: [String] = ["a", "b"]) -> GenerateRequest {
    let items = texts.enumerated().map { index, text -> JSONValue in
      ["id": .string("t\(index)"), "text": .string(text)]
    }
    let asked: JSONValue = ["items": .array(items)]
    return GenerateRequest(
      callKey: key, model: "m", blocks: [Block(role: .user, text: asked.text())])
  }

  @Test func `a call key is paid once, whoever asks and however often`() async throws {
    try await ScratchFolder.with { folder in
      let log = folder.file("payments.log")
      var script = StandInScript()
      script.latency = .milliseconds(5)
      try await with(script, log: log) { client, _ in
        // At once, and again when it is settled.
        async let one = client.generate(request("k"))
        async let other = client.generate(request("k"))
        let (first, second) = try await (one, other)
        #expect(first.text == second.text)
        let third = try await client.generate(request("k"))
        #expect(third.isReplay)
        #expect(third.text == first.text)
        #expect(third.usage == first.usage)
      }
      // A new process over the same log.
      try await with(script, log: log) { client, _ in
        let again = try await client.generate(request("k"))
        #expect(again.isReplay)
      }
      let paid = try PaymentLog.read(log).map(\.callKey)
      #expect(paid == ["k"])
    }
  }

  @Test func `a caller that goes away leaves a call that is paid and kept`() async throws {
    try await ScratchFolder.with { folder in
      let log = folder.file("payments.log")
      var script = StandInScript()
      script.latency = .milliseconds(30)
      try await with(script, log: log) { client, _ in
        var options = CallOptions(timeout: .milliseconds(5))
        options.retries = false
        await #expect(throws: Fault.self) {
          _ = try await client.generate(request("k"), options: options)
        }
        // Joins the call that goes on, or finds it settled.
        let answer = try await client.generate(request("k"))
        #expect(!answer.text.isEmpty)
      }
      #expect(try PaymentLog.read(log).count == 1)
    }
  }

  @Test func `an uncertain call stays uncertain, and costs its price`() async throws {
    try await ScratchFolder.with { folder in
      let log = folder.file("payments.log")
      var script = StandInScript()
      script.uncertainPerMille = 1000
      try await with(script, log: log) { client, _ in
        for _ in 0..<2 {
          let fault = await #expect(throws: Fault.self) {
            _ = try await client.generate(request("k"))
          }
          #expect(fault?.reason == "CALL_UNCERTAIN")
        }
        let known = try await client.getCall(GetCallRequest(callKey: "k"))
        #expect(known.state == .uncertain)
        let unknown = try await client.getCall(GetCallRequest(callKey: "x"))
        #expect(unknown.state == .unknownCall)
      }
      let payments = try PaymentLog.read(log)
      #expect(payments.count == 1)
      #expect(payments.allSatisfy { $0.costNanos > 0 })
    }
  }

  @Test func `asking again meets new luck, and refusals cost nothing`() async throws {
    try await ScratchFolder.with { folder in
      let log = folder.file("payments.log")
      var script = StandInScript()
      script.overloadedPerMille = 400
      script.rateLimitedPerMille = 200
      try await with(script, log: log) { client, _ in
        var refusals: Set<String> = []
        for index in 0..<20 {
          var options = CallOptions()
          options.retries = false
          while true {
            do {
              _ = try await client.generate(request("k\(index)"), options: options)
              break
            } catch let fault as Fault {
              refusals.insert(fault.reason)
              #expect(fault.retryAfter != nil)
            }
          }
        }
        #expect(refusals == ["PROVIDER_OVERLOADED", "RATE_LIMITED"])
      }
      #expect(try PaymentLog.read(log).count == 20)
    }
  }

  @Test func `a line that a crash cut off was never paid for`() async throws {
    try await ScratchFolder.with { folder in
      let log = folder.file("payments.log")
      try await with(StandInScript(), log: log) { client, _ in
        _ = try await client.generate(request("k"))
        _ = try await client.generate(request("l"))
      }
      let cut = off_t(try bytes(of: log) - 5)
      try #require(unsafe truncate(log, cut) == 0)
      #expect(try PaymentLog.read(log).map(\.callKey) == ["k"])
      // What is paid from now on is not glued to it.
      try await with(StandInScript(), log: log) { client, _ in
        _ = try await client.generate(request("m"))
      }
      #expect(try PaymentLog.read(log).map(\.callKey) == ["k", "m"])
    }
  }

  private func bytes(of path: String) throws -> Int {
    var facts = stat()
    try #require(unsafe stat(path, &facts) == 0)
    return Int(facts.st_size)
  }
}
