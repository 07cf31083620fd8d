import JSON

/// One implementation of the echo: a server that runs, and how its client is started.
final class EchoPeer {
  let address: String
  private let server: PeerProcess
  private let client: (_ width: Int, _ seconds: Int, _ payloadBytes: Int) throws -> PeerProcess

  private init(
    _ server: PeerProcess,
    client: @escaping (String, Int, Int, Int) throws -> PeerProcess
  ) throws {
    self.server = server
    guard let address = try server.object()["address"]?.stringValue else {
      throw BenchError("a server did not say where it listens")
    }
    self.address = address
    self.client = { try client(address, $0, $1, $2) }
  }

  static func ours(_ bench: Bench) throws -> EchoPeer {
    let peer = try bench.product("InteropPeer")
    let server = try PeerProcess(
      peer, ["server", "--address", "unix:\(bench.scratch)/ours.sock"])
    return try EchoPeer(server) { address, width, seconds, payload in
      try PeerProcess(
        peer,
        [
          "bench-client", "--address", address, "--in-flight", "\(width)", "--seconds",
          "\(seconds)", "--payload", "\(payload)",
        ])
    }
  }

  static func nghttp2(_ bench: Bench) throws -> EchoPeer {
    let peer = try bench.nghttp2Echo()
    let path = "\(bench.scratch)/nghttp2.sock"
    return try EchoPeer(try PeerProcess(peer, ["server", path])) { _, width, seconds, payload in
      try PeerProcess(peer, ["client", path, "\(width)", "\(seconds)", "\(payload)"])
    }
  }

  static func grpcio(_ bench: Bench) throws -> EchoPeer {
    let python = try bench.python()
    let script = "Tests/Benchmarks/peers/grpcio_echo.py"
    let server = try PeerProcess(
      python, [script, "server", "unix:\(bench.scratch)/grpcio.sock"])
    return try EchoPeer(server) { address, width, seconds, payload in
      try PeerProcess(
        python, [script, "client", address, "\(width)", "\(seconds)", "\(payload)"])
    }
  }

  /// Runs the client once; the server's cost is read from /proc before and after.
  func call(width: Int, seconds: Int, payloadBytes: Int) throws -> EchoRun {
    let before = server.cpuSeconds()
    let client = try client(width, seconds, payloadBytes)
    let said = try client.object()
    _ = try client.finish()
    let serverCPU = server.cpuSeconds() - before
    guard let calls = said["calls"]?.doubleValue, calls > 0,
      let measured = said["seconds"]?.doubleValue,
      let cpu = (said["cpu_seconds"] ?? said["cpu_s"])?.doubleValue,
      let p50 = said["p50_us"]?.doubleValue, let p99 = said["p99_us"]?.doubleValue,
      (said["failed"]?.intValue ?? 0) == 0
    else { throw BenchError("an echo's client said \(said.text())") }
    // What warmed up is in the server's cost, so it counts there.
    let served = said["all_calls"]?.doubleValue ?? calls
    return EchoRun(
      callsPerSecond: calls / measured, p50Microseconds: p50, p99Microseconds: p99,
      clientMicrosecondsPerCall: cpu * 1e6 / calls,
      serverMicrosecondsPerCall: serverCPU * 1e6 / served)
  }
}

/// What one run of an echo's client found.
struct EchoRun {
  let callsPerSecond: Double
  let p50Microseconds: Double
  let p99Microseconds: Double
  let clientMicrosecondsPerCall: Double
  let serverMicrosecondsPerCall: Double

  /// Calls that one CPU makes in a second when it does the work of both ends.
  var callsPerCPUSecond: Double {
    1e6 / (clientMicrosecondsPerCall + serverMicrosecondsPerCall)
  }
}
