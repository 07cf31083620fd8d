import Glibc
import JSON
import Machine

/// Other gateways, from PyPI, in front of a simulator of their own; where `make bench-rivals` has
/// installed them.
final class GatewayRivals {
  private let bench: Bench
  private let folder: String
  private let provider: String
  private let simulator: PeerProcess
  private static let bin = ".build/rivals/bin"
  private static let seconds = 4.0
  private static let startSeconds = 120.0

  init(_ bench: Bench) throws {
    self.bench = bench
    guard Files.isExecutable("\(Self.bin)/litellm") else {
      throw BenchError("make bench-rivals installs them")
    }
    folder = "\(bench.scratch)/rivals"
    try Files.makeDirectory(folder)
    // They speak TCP only.
    provider = "127.0.0.1:\(try Self.freePort())"
    simulator = try PeerProcess(
      try bench.product("assay-simulator"), [],
      environment: [
        "ASSAY_MESH_LISTEN": "unix:\(folder)/sim.sock",
        "ASSAY_SIMULATOR_LISTEN": "tcp:\(provider)", "ASSAY_SIMULATOR_DURABILITY": "none",
        "ASSAY_SIMULATOR_BILL": "/dev/null", "ASSAY_SIMULATOR_KEYS": "*",
        "SWIFT_BACKTRACE": "enable=no",
      ], isQuiet: true)
    try bench.waitForSocket("\(folder)/sim.sock", of: simulator)
  }

  /// Processor seconds for 1,000 calls of an embedded TensorZero, its callers among them.
  func tensorZeroSeconds(callers: Int, bytes: Int) throws -> Double {
    let peer = try PeerProcess(
      "\(Self.bin)/python",
      [
        "Tests/Benchmarks/peers/tensorzero_load.py", provider, "\(callers)", "\(Self.seconds)",
        "gpt-5.6-sol", "\(bytes)",
      ], isQuiet: true)
    var said: JSONValue?
    // It tells of itself before.
    while said?["calls"] == nil { said = try? JSONValue(parsing: try peer.line()) }
    _ = try peer.finish()
    let calls = said?["calls"]?.doubleValue ?? .nan
    return (said?["cpu_s"]?.doubleValue ?? .nan) / calls * 1000
  }

  /// The same of LiteLLM's proxy with one worker, without its callers.
  func liteLLMSeconds(callers: Int, bytes: Int) throws -> Double {
    let port = try Self.freePort()
    let file = "\(folder)/litellm.yaml"
    try Files.replace(file, with: Self.liteLLMFile(provider))
    let proxy = try PeerProcess(
      "\(Self.bin)/litellm",
      ["--config", file, "--host", "127.0.0.1", "--port", "\(port)", "--telemetry", "False"],
      environment: [
        "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
      ], isQuiet: true)
    defer { proxy.stop() }
    let end = Clock.seconds() + Self.startSeconds
    while !Self.isTaken(port) {
      guard Processes.isRunning(proxy.pid), Clock.seconds() < end else {
        throw BenchError("LiteLLM does not start")
      }
      _ = poll(nil, 0, 200)
    }
    let door = "tcp:127.0.0.1:\(port)"
    _ = try HTTPLoad.begun(bench, door, callers: callers, seconds: 2, bytes: bytes).ended()
    let before = proxy.cpuSeconds()
    let run = try HTTPLoad.begun(
      bench, door, callers: callers, seconds: Self.seconds, bytes: bytes
    ).ended()
    return (proxy.cpuSeconds() - before) / Double(run.calls) * 1000
  }

  private static func liteLLMFile(_ provider: String) -> String {
    """
    model_list:
      - model_name: claude-haiku-4-5
        litellm_params:
          model: anthropic/claude-haiku-4-5
          api_base: http://\(provider)
          api_key: sim-bench
    litellm_settings: {telemetry: false}
    """
  }

  func stop() {
    simulator.stop()
    try? Files.removeTree(folder)
  }

  // MARK: Ports

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }

  private static func withSocket<R>(
    _ port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) throws -> R
  ) throws -> R {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard socket >= 0 else { throw BenchError("no socket, errno \(errno)") }
    defer { close(socket) }
    var address = loopback(port)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return try unsafe withUnsafePointer(to: &address) { place in
      try unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        try unsafe body(socket, $0, size)
      }
    }
  }

  private static func freePort() throws -> UInt16 {
    try unsafe withSocket(0) { socket, place, size in
      guard unsafe bind(socket, place, size) == 0 else {
        throw BenchError("no port, errno \(errno)")
      }
      var bound = sockaddr_in()
      var count = size
      _ = unsafe withUnsafeMutablePointer(to: &bound) { place in
        unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe getsockname(socket, $0, &count)
        }
      }
      return UInt16(bigEndian: bound.sin_port)
    }
  }

  private static func isTaken(_ port: UInt16) -> Bool {
    let code = try? unsafe withSocket(port) { unsafe connect($0, $1, $2) }
    return code == 0
  }
}
