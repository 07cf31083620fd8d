import Glibc
import JSON
import Machine

/// The mesh as processes: how fast it is ready, and what it holds while it does nothing.
final class MeshFamily {
  private let bench: Bench
  private static let services = ["store", "gateway", "ingest", "orchestrator", "edge"]
  private static let callees = [
    "orchestrator": ["store", "gateway", "ingest"],
    "edge": ["orchestrator", "store", "gateway", "ingest"],
  ]
  private static let rounds = 3
  private static let readySeconds = 20.0
  /// How long a service does nothing before its memory is read.
  private static let idleSeconds = 1.0

  init(_ bench: Bench) { self.bench = bench }

  func run() {
    measureServices()
    measureMesh()
    measureReplicas()
  }

  // MARK: Replicas that come and go

  private func measureReplicas() {
    do {
      var used: [Double] = []
      var stopped: [Double] = []
      var killed: [Double] = []
      for round in 0..<MeshFamily.rounds {
        for signal in [SIGTERM, SIGKILL] {
          let turnover = try ReplicaTurnover(
            bench, signal: signal, folder: "\(bench.scratch)/replicas\(round)-\(signal)")
          used.append(turnover.usedSeconds * 1000)
          if signal == SIGTERM {
            stopped.append(turnover.leftSeconds * 1000)
          } else {
            killed.append(turnover.leftSeconds * 1000)
          }
        }
      }
      bench.report("mesh.replica_used_ms", median(used), unit: "ms")
      let left = max(median(stopped), median(killed))
      bench.report(
        "mesh.replica_left_ms", left, unit: "ms",
        [("stopped_ms", .number(median(stopped))), ("killed_ms", .number(median(killed)))])
    } catch {
      bench.skip("mesh.replica_used_ms", because: error)
      bench.skip("mesh.replica_left_ms", because: error)
    }
  }

  // MARK: Each service alone

  private func measureServices() {
    var largest = 0.0
    for service in MeshFamily.services {
      let figure = "mesh.idle_mb.\(service)"
      do {
        let megabytes = try idle(service)
        largest = max(largest, megabytes.value)
        bench.report(
          figure, megabytes.value, unit: "MB",
          [("threads", .array(megabytes.threads.map { .string($0) }))])
      } catch {
        bench.skip(figure, because: error)
      }
    }
    if largest > 0 { bench.report("mesh.idle_service_mb", largest, unit: "MB") }
  }

  /// Memory and threads of one service that was started by hand and does nothing.
  private func idle(_ service: String) throws -> (value: Double, threads: [String]) {
    let socket = "\(bench.scratch)/\(service).sock"
    var environment = [
      "ASSAY_MESH_LISTEN": "unix:\(socket)", "TMPDIR": bench.scratch,
      "SWIFT_BACKTRACE": "enable=no",
    ]
    if service == "store" { environment["ASSAY_STORE_PATH"] = "\(bench.scratch)/idle-store" }
    // Those it calls are not there: it listens all the same, and waits for them.
    for other in MeshFamily.callees[service] ?? [] {
      environment["ASSAY_MESH_\(other.uppercased())"] = "unix:\(bench.scratch)/none-\(other).sock"
    }
    let process = try PeerProcess(
      try bench.product("assay-\(service)"), [], environment: environment, isQuiet: true)
    try wait(for: "\(service) to listen") {
      Files.facts(of: socket)?.kind == .socket || !Processes.isRunning(process.pid)
    }
    let quiet = Clock.seconds() + MeshFamily.idleSeconds
    try wait(for: "the idle time of \(service)") { Clock.seconds() >= quiet }
    guard let facts = Processes.facts(of: process.pid) else {
      throw BenchError("\(service) ended by itself")
    }
    let threads = Files.entries(of: "/proc/\(process.pid)/task").map { thread in
      (try? Files.readText("/proc/\(process.pid)/task/\(thread)/comm").trimmed) ?? thread
    }
    return (Double(facts.residentByteCount) / 1e6, threads)
  }

  // MARK: All of them

  private func measureMesh() {
    do {
      let assay = try bench.product("assay")
      var ready: [Double] = []
      var resident: [Double] = []
      for round in 0..<MeshFamily.rounds {
        let environment = ["ASSAY_RUN_DIR": "\(bench.scratch)/run\(round)"]
        let begun = Clock.seconds()
        let up = try PeerProcess(
          assay, ["up", "--detach"], environment: environment, isQuiet: true)
        let status = try up.finish()
        ready.append((Clock.seconds() - begun) * 1000)
        defer {
          _ = try? PeerProcess(
            assay, ["down"], environment: environment, isQuiet: true
          ).finish()
        }
        guard status == 0 else { throw BenchError("assay up ended with \(status)") }
        let quiet = Clock.seconds() + MeshFamily.idleSeconds
        try wait(for: "the idle time") { Clock.seconds() >= quiet }
        resident.append(try residentOfServices(under: environment))
      }
      bench.report("mesh.ready_ms", median(ready), unit: "ms")
      bench.report("mesh.idle_mb", median(resident), unit: "MB")
    } catch {
      bench.skip("mesh.ready_ms", because: error)
      bench.skip("mesh.idle_mb", because: error)
    }
  }

  /// Megabytes of every process that came from our folder and belongs to this run.
  private func residentOfServices(under environment: [String: String]) throws -> Double {
    guard let run = environment["ASSAY_RUN_DIR"] else { return 0 }
    var bytes = 0
    var count = 0
    for entry in Files.entries(of: "/proc") {
      guard let pid = Int32(entry),
        let executable = Files.target(ofLink: "/proc/\(pid)/exe"),
        executable.hasPrefix("\(bench.products)/assay"),
        let variables = try? Files.readText("/proc/\(pid)/environ"), variables.contains(run),
        let facts = Processes.facts(of: pid)
      else { continue }
      bytes += facts.residentByteCount
      count += 1
    }
    guard count >= MeshFamily.services.count else {
      throw BenchError("\(count) processes of the mesh were found")
    }
    return Double(bytes) / 1e6
  }

  private func wait(for what: String, until isSo: () -> Bool) throws {
    let end = Clock.seconds() + MeshFamily.readySeconds
    while !isSo() {
      guard Clock.seconds() < end else { throw BenchError("waited in vain for \(what)") }
      _ = poll(nil, 0, 5)
    }
  }
}
