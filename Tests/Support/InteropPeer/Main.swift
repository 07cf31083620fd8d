// InteropPeer: our server and our client of grpc.testing and assay.testing, as a program that the
// interop and benchmark suites start beside their other-language peers. It decides nothing and
// is no part of the mesh.
//
//   server --address A                       prints {"address":…}, serves until SIGTERM
//   bench-client --address A --in-flight N --seconds S --payload B
//   stream-client --address A --messages N --payload B
import EventLoop
import Glibc
import RPC
import TestingContract

@main struct Main {
  static func main() {
    do {
      let arguments = PeerArguments(CommandLine.arguments)
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
      try await serve(address, on: loop)
    case "bench-client":
      let load = EchoLoad(
        loop: loop, channel: Channel(to: address, on: loop),
        payloadBytes: arguments.int("payload", 200))
      print(
        try await load.unary(
          width: arguments.int("in-flight", 16), seconds: Double(arguments.int("seconds", 2))))
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

  private static func serve(_ address: MeshAddress, on loop: EventLoop) async throws {
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
    let bound = try await server.listen(on: address)
    print("{\"address\":\"\(bound)\"}")
    // Somebody waits for this line at the other end of a pipe.
    fflush(nil)
    // The server lives as long as somebody holds it.
    while true { try await loop.sleep(for: .seconds(3600)) }
    _ = server
  }
}
