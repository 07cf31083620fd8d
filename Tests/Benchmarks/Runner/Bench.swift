import Glibc
import JSON
import Machine

/// What every family needs: where the executables are, a scratch folder, and how to report.
final class Bench {
  static let families: [String: @Sendable (Bench) -> Void] = [
    "rpc": { RPCFamily($0).run() },
    "mesh": { MeshFamily($0).run() },
    "store": { StoreFamily($0).run() },
    "engine": { EngineFamily($0).run() },
    "gateway": { GatewayFamily($0).run() },
    "rivals": { GatewayFamily($0).runRivals() },
  ]

  /// Where this executable and its neighbours were built.
  let products: String
  let scratch: String
  /// Bars that were not met.
  private(set) var missed = 0
  private let thresholds: [String: Threshold]
  private let emit: (String) -> Void

  init(emit: @escaping (String) -> Void) throws {
    guard let own = Processes.ownExecutable, let slash = own.lastIndex(of: "/") else {
      throw BenchError("/proc does not say where this executable is")
    }
    products = String(own[..<slash])
    scratch = "/tmp/assay-bench-\(Processes.own)"
    thresholds = try Threshold.readAll()
    self.emit = emit
    try Files.makeDirectory(scratch)
  }

  deinit { try? Files.removeTree(scratch) }

  /// The path of an executable built beside this one.
  func product(_ name: String) throws -> String {
    let path = "\(products)/\(name)"
    guard Files.isExecutable(path) else { throw BenchError("\(name) is not built") }
    return path
  }

  /// The interpreter that has grpcio.
  func python() throws -> String {
    let path = ".build/python/bin/python"
    guard Files.isExecutable(path) else { throw BenchError("scripts/python-venv has not run") }
    return path
  }

  /// The bare nghttp2 echo, compiled here.
  func nghttp2Echo() throws -> String {
    try compiled("nghttp2_echo", libraries: ["-lnghttp2"])
  }

  /// A peer in C, compiled here.
  func compiled(_ name: String, libraries: [String]) throws -> String {
    let path = "\(scratch)/\(name)"
    if Files.isExecutable(path) { return path }
    let compiler = try PeerProcess(
      "/usr/bin/cc",
      ["-O2", "-std=c11", "-o", path, "Tests/Benchmarks/peers/\(name).c"] + libraries)
    guard try compiler.finish() == 0 else { throw BenchError("cc cannot build \(name)") }
    return path
  }

  /// What the load generator measured.
  func load(_ words: [String]) throws -> JSONValue {
    let peer = try PeerProcess(try product("LoadPeer"), words)
    let said = try peer.object()
    _ = try peer.finish()
    if let error = said["error"]?.stringValue { throw BenchError(error) }
    return said
  }

  /// Returns when a server that was just started listens.
  func waitForSocket(_ path: String, of process: PeerProcess) throws {
    let end = Clock.seconds() + 20
    while Files.facts(of: path)?.kind != .socket {
      guard Processes.isRunning(process.pid), Clock.seconds() < end else {
        throw BenchError("nobody listens at \(path)")
      }
      _ = poll(nil, 0, 5)
    }
  }

  // MARK: Reports

  /// A figure; with a bar in thresholds.json it is held against it.
  func report(_ name: String, _ value: Double, unit: String, _ further: [(String, JSONValue)] = [])
  {
    let rounded = (value * 1000).rounded() / 1000
    var fields: [(String, JSONValue)] = [("name", .string(name)), ("value", .number(rounded))]
    if let threshold = thresholds[name] {
      let isMet = threshold.isMet(by: value)
      if !isMet { missed += 1 }
      fields += [
        ("unit", .string(threshold.unit)), ("bar", .number(threshold.bar)),
        ("better", .string(threshold.isFloor ? "higher" : "lower")), ("ok", .bool(isMet)),
      ]
    } else {
      fields.append(("unit", .string(unit)))
    }
    line(fields + further)
  }

  /// A figure that could not be measured here; it counts as neither passed nor missed.
  func skip(_ name: String, because reason: any Error) {
    line([("name", .string(name)), ("skipped", .string("\(reason)"))])
  }

  private func line(_ fields: [(String, JSONValue)]) {
    var object = JSONObject()
    for (key, value) in fields { _ = object.insert(value, for: key) }
    emit(JSONValue.object(object).text())
  }
}

/// The middle value; of an even number the mean of the two in the middle.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  guard !sorted.isEmpty else { return .nan }
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
