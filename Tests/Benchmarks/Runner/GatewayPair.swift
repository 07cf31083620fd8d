import Glibc
import JSON
import Machine

/// A simulator and a gateway in front of it, in a folder of the benchmark's own.
final class GatewayPair {
  /// Where each speaks HTTP.
  let provider: String
  let door: String
  /// From its start to its first answer.
  private(set) var firstAnswerMilliseconds = 0.0
  private let simulator: PeerProcess
  private let gateway: PeerProcess
  private let folder: String

  static let key = "bench-key"

  init(
    _ bench: Bench, _ name: String, durability: String, latency: String, perToken: String = "0s"
  ) throws {
    folder = "\(bench.scratch)/\(name)"
    try Files.makeDirectory(folder)
    provider = "unix:\(folder)/provider.sock"
    door = "unix:\(folder)/http.sock"
    try Files.replace("\(folder)/gateway.yaml", with: GatewayPair.catalog(provider))
    simulator = try PeerProcess(
      try bench.product("assay-simulator"), [],
      environment: [
        "ASSAY_MESH_LISTEN": "unix:\(folder)/sim.sock", "ASSAY_SIMULATOR_LISTEN": provider,
        "ASSAY_SIMULATOR_DURABILITY": "none", "ASSAY_SIMULATOR_LATENCY": latency,
        "ASSAY_SIMULATOR_LATENCY_PER_TOKEN": perToken, "ASSAY_SIMULATOR_KEYS": "*",
        // Millions of calls: in memory there is no room for their bill.
        "ASSAY_SIMULATOR_BILL": "/dev/null",
        "SWIFT_BACKTRACE": "enable=no",
      ], isQuiet: true)
    try bench.waitForSocket("\(folder)/provider.sock", of: simulator)
    let start = Clock.seconds()
    gateway = try PeerProcess(
      try bench.product("assay-gateway"), [],
      environment: [
        "ASSAY_MESH_LISTEN": "unix:\(folder)/gateway.sock",
        "ASSAY_GATEWAY_CATALOG": "\(folder)/gateway.yaml",
        "ASSAY_GATEWAY_PATH": "\(folder)/ledger", "ASSAY_GATEWAY_LISTEN": door,
        "ASSAY_GATEWAY_DURABILITY": durability, "SWIFT_BACKTRACE": "enable=no",
      ], isQuiet: true)
    try bench.waitForSocket("\(folder)/http.sock", of: gateway)
    guard latency == "0s" else { return }
    let first = try HTTPLoad.begun(bench, door, callers: 1, seconds: 0, bytes: 200_000)
    guard try first.ended().failures == 0 else { throw BenchError("the gateway refuses calls") }
    firstAnswerMilliseconds = (Clock.seconds() - start) * 1000
  }

  private static func catalog(_ provider: String) -> String {
    """
    providers:
      simulator:
        dialect: anthropic
        url: \(provider)
        internal: true
        keys: {main: {text: sim-bench}}
    products:
      bench:
        keys: {main: {text: \(key)}}
        budget: {total: 1000000}
    """
  }

  func cpuSeconds() -> Double { gateway.cpuSeconds() }

  var residentMegabytes: Double { kilobytes("VmRSS") / 1000 }
  var peakMegabytes: Double { kilobytes("VmHWM") / 1000 }

  private func kilobytes(_ field: String) -> Double {
    let text = (try? Files.readText("/proc/\(gateway.pid)/status")) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(field) }
    return line.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap {
      Double($0.filter(\.isNumber))
    } ?? .nan
  }

  func stop() {
    gateway.stop()
    simulator.stop()
    try? Files.removeTree(folder)
  }
}

/// What callers saw, as the load generator says.
struct HTTPLoad {
  private let said: JSONValue

  /// Load that is under way.
  struct Running {
    fileprivate let process: PeerProcess

    func ended() throws -> HTTPLoad {
      let said = try process.object()
      _ = try process.finish()
      if let error = said["error"]?.stringValue { throw BenchError(error) }
      let load = HTTPLoad(said: said)
      guard load.failures == 0 else { throw BenchError("\(load.failures) calls failed") }
      return load
    }
  }

  static func begun(
    _ bench: Bench, _ address: String, callers: Int, seconds: Double, bytes: Int,
    isStream: Bool = false
  ) throws -> Running {
    let program = try bench.compiled("http_load", libraries: ["-pthread"])
    let words = [address, GatewayPair.key, "\(callers)", "\(seconds)", "\(bytes)"]
    return Running(process: try PeerProcess(program, words + (isStream ? ["stream"] : [])))
  }

  var calls: Int { said["calls"]?.intValue ?? 0 }
  var failures: Int { said["failures"]?.intValue ?? -1 }
  var p50: Double { figure("call_p50_us") }
  var p99: Double { figure("call_p99_us") }
  var firstP50: Double { figure("first_p50_us") }
  /// The share of streams with a pause that no token explains.
  var stalledShare: Double { figure("stalled_share") }

  private func figure(_ name: String) -> Double { said[name]?.doubleValue ?? .nan }
}

/// What one sync of a small write costs on this disk, now.
enum SyncedFile {
  private static let writes = 400

  static func p50Microseconds(in folder: String) throws -> Double {
    let path = "\(folder)/synced"
    let descriptor = unsafe open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw BenchError("\(path) cannot be written, errno \(errno)") }
    defer {
      close(descriptor)
      _ = unsafe unlink(path)
    }
    let block = [UInt8](repeating: 7, count: 4096)
    var took: [Double] = []
    for _ in 0..<writes {
      let start = Clock.seconds()
      guard unsafe write(descriptor, block, block.count) == block.count,
        fdatasync(descriptor) == 0
      else { throw BenchError("a write failed, errno \(errno)") }
      took.append((Clock.seconds() - start) * 1e6)
    }
    return median(took)
  }
}
