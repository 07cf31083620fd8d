// InteropPeer: our server and our client of grpc.testing and assay.testing, as a program that the
// interop and benchmark suites start beside their other-language peers. It decides nothing and
// is no part of the mesh.
//
//   server --address A [--mode 660]          prints {"address":…}, serves until SIGTERM
//   client --address A --case NAME|all       a line of JSON for each core interop case
//   soak --address A --iterations N          unary calls one after another, every
//        [--large-every M]                   M-th of them large (all, unless told otherwise)
//   concurrent --address A --count N         large unary calls at once on one channel
//   negative --address A --case NAME         one call (or more) to a server that misbehaves
//   bench-client --address A --in-flight N --seconds S --payload B
//   stream-client --address A --messages N --payload B
import EventLoop
import Glibc
import JSON
import MeshAddressing
import RPC
import TestingContract

@main struct Main {
  static func main() {
    do {
      let arguments = PeerArguments(CommandLine.arguments)
      if arguments.verb == "full-table" {
        return FullTable.run(opensPool: arguments["pool"] == "open")
      }
      let loop = try EventLoop(name: "peer")
      Task(executorPreference: loop) {
        do {
          try await run(arguments, on: loop)
        } catch {
          print("{\"error\":\"\(error)\"}")
          exit(1)
        }
      }
      loop.run()
    } catch {
      print("{\"error\":\"\(error)\"}")
      exit(1)
    }
  }

  private static func run(_ arguments: PeerArguments, on loop: EventLoop) async throws {
    let address = try MeshAddress(arguments["address"] ?? "unix:/tmp/assay-peer.sock")
    switch arguments.verb {
    case "server":
      let mode = arguments["mode"].flatMap { UInt32($0, radix: 8) } ?? 0o660
      try await serve(address, mode: mode, on: loop)
    case "client":
      try await interop(address, arguments["case"] ?? "all", on: loop)
    case "soak", "concurrent":
      try await soak(address, arguments, on: loop)
    case "negative":
      try await negative(address, arguments, on: loop)
    case "bench-client":
      let load = EchoLoad(
        loop: loop, channel: Channel(to: address, on: loop),
        payloadBytes: arguments.int("payload", 200))
      print(
        try await load.unary(
          width: arguments.int("in-flight", 16), seconds: Double(arguments.int("seconds", 2))))
      exit(0)
    case "replica-client":
      let load = ReplicaLoad(loop: loop, channel: Channel(to: address, on: loop))
      print(
        await load.run(
          width: arguments.int("in-flight", 8), seconds: Double(arguments.int("seconds", 3))))
      exit(0)
    case "stream-client":
      let load = EchoLoad(
        loop: loop, channel: Channel(to: address, on: loop),
        payloadBytes: arguments.int("payload", 100))
      print(try await load.stream(messages: arguments.int("messages", 1_000_000)))
      exit(0)
    default:
      print("{\"error\":\"unknown verb \(arguments.verb)\"}")
      exit(2)
    }
  }

  private static func interop(
    _ address: MeshAddress, _ name: String, on loop: EventLoop
  ) async throws {
    let channel = Channel(to: address, on: loop)
    let cases = InteropCases(
      client: TestServiceClient(channel), unimplemented: UnimplementedServiceClient(channel),
      loop: loop)
    var failures: Int32 = 0
    for (each, run) in InteropCases.all where name == "all" || name == each {
      let start = loop.nowNanoseconds
      do {
        try await run(cases)
      } catch {
        failures = 1
        report("case", each, ok: false, since: start, on: loop, "\(error)")
        continue
      }
      report("case", each, ok: true, since: start, on: loop, "")
    }
    exit(failures)
  }

  private static func soak(
    _ address: MeshAddress, _ arguments: PeerArguments, on loop: EventLoop
  ) async throws {
    let client = TestServiceClient(Channel(to: address, on: loop))
    let isSoak = arguments.verb == "soak"
    let count = isSoak ? arguments.int("iterations", 10_000) : arguments.int("count", 1000)
    let width = isSoak ? 1 : count
    let largeEvery = isSoak ? max(1, arguments.int("large-every", 1)) : 1
    // One connection is there before the calls are: they are about streams, not about patience.
    _ = try await client.emptyCall(TestingEmpty())
    let start = loop.nowNanoseconds
    let failures = await withTaskGroup(of: [String].self) { group in
      for _ in 0..<width {
        group.addTask(executorPreference: loop) {
          var failures: [String] = []
          for index in 0..<(count / width) {
            if let failure = await soakCall(client, isLarge: index % largeEvery == 0) {
              failures.append(failure)
            }
          }
          return failures
        }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    report(
      "case", isSoak ? "rpc_soak" : "concurrent_large_unary", ok: failures.isEmpty, since: start,
      on: loop, "\(failures.count) of \(count) failed, the first: \(failures.first ?? "")")
    exit(failures.isEmpty ? 0 : 1)
  }

  /// Nil when the answer is what was asked for.
  private static func soakCall(_ client: TestServiceClient, isLarge: Bool) async -> String? {
    var request = SimpleRequest()
    if isLarge { request = InteropCases.large() } else { request.responseSize = 10 }
    do {
      let count = try await client.unaryCall(request).payload?.body.count
      return count == Int(request.responseSize) ? nil : "\(count ?? -1) bytes"
    } catch {
      return "\(error)"
    }
  }

  private static func negative(
    _ address: MeshAddress, _ arguments: PeerArguments, on loop: EventLoop
  ) async throws {
    let name = arguments["case"] ?? "goaway"
    let cases = NegativeCases(
      client: TestServiceClient(Channel(to: address, on: loop)), loop: loop,
      deadline: .milliseconds(arguments.int("deadline-ms", 3000)))
    let ending = try await cases.run(name)
    let details = quoted(ending.details)
    print("{\"case\":\"\(name)\",\"ended\":\"\(ending.code)\",\"details\":\(details)}")
    exit(0)
  }

  private static func report(
    _ key: String, _ name: String, ok: Bool, since start: UInt64, on loop: EventLoop,
    _ error: String
  ) {
    let ms = Double((loop.nowNanoseconds - start) / 1000) / 1000
    let error = ok ? "" : ",\"error\":\(quoted(error))"
    print("{\"\(key)\":\"\(name)\",\"ok\":\(ok),\"ms\":\(ms)\(error)}")
  }

  private static func quoted(_ text: String) -> String { JSONValue.string(text).text() }

  private static func serve(
    _ address: MeshAddress, mode: UInt32, on loop: EventLoop
  ) async throws {
    var options = ServerOptions(
      callers: CallerTable(ownUID: getuid(), namesOfStrangers: ["tester"]))
    options.onEvent = { event in
      var line = "\(event.kind) \(event.detail) \(event.connection) \(event.peer)\n"
      _ = line.withUTF8 { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
    let server = Server(
      loop: loop,
      services: [TestServiceLogic(loop: loop).definition, EchoLogic().definition],
      options: options)
    let bound = try await server.listen(on: address, mode: mode)
    print("{\"address\":\"\(bound)\"}")
    // Somebody waits for this line at the other end of a pipe.
    fflush(nil)
    // The server lives as long as somebody holds it.
    while true { try await loop.sleep(for: .seconds(3600)) }
    _ = server
  }
}
