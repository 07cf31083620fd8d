import Glibc
import JSON
import Machine

/// Runs of the smallest workload against a stand-in that takes its time: how close to ideal, how
/// quickly seen, and how much memory.
final class EngineFamily {
  private let bench: Bench
  private static let calls = 2000
  private static let callMilliseconds = 50
  private static let width = 16
  private static let rounds = 3
  private static let watchers = 1000
  private static let watchedCalls = 600
  private static let manyUnits = 100_000

  init(_ bench: Bench) { self.bench = bench }

  func run() {
    measure("engine.makespan_vs_ideal") { try makespan() }
    measure("engine.watchers_p99_ms") { try watching() }
    measure("engine.memory_growth") { try memory() }
  }

  private func measure(_ name: String, _ body: () throws -> Void) {
    do { try body() } catch { bench.skip(name, because: error) }
  }

  /// Against what the calls themselves took, as the gateway counts them: a timer that is late and
  /// a disk that is slow behind the gateway are the provider's time and not the engine's.
  private func makespan() throws {
    let mesh = try EngineMesh(bench, "makespan", callMilliseconds: EngineFamily.callMilliseconds)
    defer { mesh.stop() }
    var ratios: [Double] = []
    var nominal: [Double] = []
    var calls: [Double] = []
    for _ in 0..<EngineFamily.rounds {
      let said = try mesh.run(texts: EngineFamily.calls, perCall: 1, width: EngineFamily.width)
      guard let seconds = said["seconds"]?.doubleValue, let call = said["call_ms"]?.doubleValue,
        said["succeeded"]?.intValue == EngineFamily.calls
      else { throw BenchError("the run said \(said.text())") }
      let waves = Double(EngineFamily.calls) / Double(EngineFamily.width)
      ratios.append(seconds * 1000 / (waves * call))
      nominal.append(seconds * 1000 / (waves * Double(EngineFamily.callMilliseconds)))
      calls.append(call)
    }
    bench.report(
      "engine.makespan_vs_ideal", median(ratios), unit: "x",
      [("call_ms", .number(median(calls))), ("vs_nominal", .number(median(nominal)))])
  }

  private func watching() throws {
    let mesh = try EngineMesh(bench, "watching", callMilliseconds: EngineFamily.callMilliseconds)
    defer { mesh.stop() }
    let said = try mesh.run(
      texts: EngineFamily.watchedCalls, perCall: 1, width: EngineFamily.width,
      watchers: EngineFamily.watchers)
    guard let p99 = said["delay_p99_ms"]?.doubleValue, said["complete"]?.boolValue == true else {
      throw BenchError("the watchers said \(said.text())")
    }
    bench.report(
      "engine.watchers_p99_ms", p99, unit: "ms",
      [
        ("p50_ms", said["delay_p50_ms"] ?? .null), ("events", said["events"] ?? .null),
        ("seconds", said["seconds"] ?? .null),
      ])
  }

  /// A run is worked on while its memory is read: what store and orchestrator hold towards its
  /// end against what they held when a fifth was done.
  private func memory() throws {
    let mesh = try EngineMesh(bench, "memory", callMilliseconds: 0)
    defer { mesh.stop() }
    // A run of the same kind first, so that allocators and caches are warm.
    _ = try mesh.run(texts: EngineFamily.manyUnits, perCall: 20, width: 32)
    let load = try mesh.start(texts: EngineFamily.manyUnits, perCall: 20, width: 32)
    var samples: [Double] = []
    while Processes.isRunning(load.pid) {
      samples.append(mesh.residentMegabytes)
      _ = poll(nil, 0, 50)
      if load.hasEnded { break }
    }
    let said = try load.object()
    guard said["succeeded"]?.intValue == EngineFamily.manyUnits, samples.count >= 20 else {
      throw BenchError("the run said \(said.text())")
    }
    let early = median(Array(samples[samples.count * 15 / 100..<samples.count * 25 / 100]))
    let late = median(Array(samples[samples.count * 85 / 100..<samples.count]))
    let seconds = said["seconds"]?.doubleValue ?? 1
    bench.report(
      "engine.memory_growth", late / early, unit: "x",
      [
        ("early_mb", .number(early)), ("late_mb", .number(late)),
        ("units_per_s", .number((Double(EngineFamily.manyUnits) / seconds).rounded())),
      ])
  }
}

/// A store, a gateway that stands in for a provider, and an orchestrator.
final class EngineMesh {
  private let bench: Bench
  private let folder: String
  private var processes: [PeerProcess] = []

  init(_ bench: Bench, _ name: String, callMilliseconds: Int) throws {
    self.bench = bench
    folder = "\(bench.scratch)/\(name)"
    try Files.makeDirectory(folder)
    var environment = ["SWIFT_BACKTRACE": "enable=no", "ASSAY_STORE_PATH": "\(folder)/data"]
    for service in ["store", "gateway", "ingest"] {
      environment["ASSAY_MESH_\(service.uppercased())"] = "unix:\(folder)/\(service).sock"
    }
    environment["ASSAY_GATEWAY_STAND_IN"] = "\(folder)/payments.log"
    environment["ASSAY_GATEWAY_STAND_IN_LATENCY"] = "\(callMilliseconds)ms"
    for service in ["store", "gateway", "ingest", "orchestrator"] {
      environment["ASSAY_MESH_LISTEN"] = "unix:\(folder)/\(service).sock"
      let process = try PeerProcess(
        try bench.product("assay-\(service)"), [],
        environment: environment.filter {
          !$0.key.hasPrefix("ASSAY_GATEWAY") || service == "gateway"
        }
        .filter { !$0.key.hasPrefix("ASSAY_STORE") || service == "store" }, isQuiet: true)
      processes.append(process)
      try bench.waitForSocket("\(folder)/\(service).sock", of: process)
    }
  }

  /// Of the store and the orchestrator together, which hold what a run is.
  var residentMegabytes: Double {
    [processes[0], processes[3]].reduce(0) {
      $0 + Double(Processes.facts(of: $1.pid)?.residentByteCount ?? 0) / 1e6
    }
  }

  func run(texts: Int, perCall: Int, width: Int, watchers: Int = 0) throws -> JSONValue {
    try bench.load(words(texts, perCall, width, watchers))
  }

  /// The same, and does not wait.
  func start(texts: Int, perCall: Int, width: Int) throws -> PeerProcess {
    try PeerProcess(try bench.product("LoadPeer"), words(texts, perCall, width, 0))
  }

  private func words(_ texts: Int, _ perCall: Int, _ width: Int, _ watchers: Int) -> [String] {
    [
      "run", "--orchestrator", "unix:\(folder)/orchestrator.sock", "--texts", "\(texts)",
      "--per-call", "\(perCall)", "--width", "\(width)", "--watchers", "\(watchers)",
      "--gateway", "unix:\(folder)/gateway.sock",
    ]
  }

  func stop() {
    for process in processes.reversed() { process.stop() }
    try? Files.removeTree(folder)
  }
}
