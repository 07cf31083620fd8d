import Glibc
import JSON
import Machine

/// How soon callers use a replica that is added, and leave one that is removed or dies: two
/// services by hand in one folder, called without pause by a third process.
struct ReplicaTurnover {
  /// From the start of its process to its first answer, so with all that the service does at start.
  let usedSeconds: Double
  /// From the word to stop, or from its death, to the last that callers hear of it.
  let leftSeconds: Double

  private static let loadSeconds = 3
  /// Before a replica is added and again before it goes: time enough to be used for a while.
  private static let steadySeconds = 0.8

  /// Adds a replica and takes it away with `signal`.
  init(_ bench: Bench, signal: Int32, folder: String) throws {
    try Files.makeDirectory(folder)
    let old = try Self.start("old", bench, in: folder)
    defer { old.stop() }
    let load = try PeerProcess(
      try bench.product("InteropPeer"),
      [
        "replica-client", "--address", "unix-dir:\(folder)", "--in-flight", "8", "--seconds",
        "\(Self.loadSeconds)",
      ])
    try Self.pause(Self.steadySeconds)
    let added = Clock.seconds()
    let new = try Self.start("new", bench, in: folder)
    defer { new.stop() }
    try Self.pause(Self.steadySeconds)
    let removed = Clock.seconds()
    kill(new.pid, signal)
    let said = try load.object()
    _ = try load.finish()
    guard let seen = said["replicas"]?["new"], let first = seen["first"]?.doubleValue,
      let last = seen["last"]?.doubleValue, first < removed
    else { throw BenchError("the new replica was never used: \(said.text())") }
    // Stopped in good order it fails no call; dead, it fails those that it had.
    if signal == SIGTERM, said["faults"]?.intValue != 0 {
      throw BenchError("calls failed: \(said.text())")
    }
    usedSeconds = first - added
    leftSeconds = max(last, said["last_fault"]?.doubleValue ?? 0) - removed
  }

  private static func start(
    _ instance: String, _ bench: Bench, in folder: String
  ) throws -> PeerProcess {
    let process = try PeerProcess(
      try bench.product("assay-ingest"), [],
      environment: [
        "ASSAY_MESH_LISTEN": "unix-dir:\(folder)", "ASSAY_MESH_INSTANCE": instance,
        "TMPDIR": bench.scratch, "SWIFT_BACKTRACE": "enable=no",
      ], isQuiet: true)
    let end = Clock.seconds() + 5
    while Files.facts(of: "\(folder)/\(instance).sock")?.kind != .socket {
      guard Clock.seconds() < end else { throw BenchError("the replica does not listen") }
      _ = poll(nil, 0, 1)
    }
    return process
  }

  private static func pause(_ seconds: Double) throws {
    let end = Clock.seconds() + seconds
    while Clock.seconds() < end { _ = poll(nil, 0, 5) }
  }
}
