import Console
import EventLoop
import Faults
import JSON
import Machine
import MeshContract
import RPC
import Supervisor
import ToolContext

/// `assay down`: stop the mesh and leave nothing.
enum DownCommand {
  static let command = Command(
    "down", "stop the mesh and clean up",
    flags: Flag.mesh + [Flag("volumes", "remove volumes with data too")],
    details: """
      Stops every replica, those that others depend on last, and removes sockets, logs and
      temporary files. Volumes with data stay unless --volumes is given. Also cleans up what a
      supervisor that was killed has left.
      """,
    examples: ["assay down", "assay down --volumes"]
  ) { context in
    let run = try context.runDirectory()
    let wasRunning = try await stopSupervisor(context)
    // From here on the directory is ours: a supervisor that is still ending keeps it.
    let hadAnything = wasRunning || Files.facts(of: run.path) != nil
    if Files.facts(of: run.path) != nil {
      try await cleanUp(run, context)
    }
    if context.invocation.has("volumes") {
      try run.clear(includingData: true)
    }
    if context.terminal.isJSON {
      context.terminal.line(["path": .string(run.path), "stopped": .bool(wasRunning)])
    } else if wasRunning {
      context.terminal.talk("stopped; nothing is left in \(run.path)")
    } else {
      context.terminal.talk(
        hadAnything ? "nothing ran; cleaned up \(run.path)" : "nothing runs in \(run.path)")
    }
    return .success
  }

  /// The longest a graceful stop may take: each level of services has its grace.
  private static let stopTimeout = Duration.seconds(120)
  private static let lockTimeout = Duration.seconds(10)

  /// Answers whether a supervisor answered.
  private static func stopSupervisor(_ context: CommandContext) async throws -> Bool {
    guard let mesh = try await RunningMesh.find(context) else { return false }
    do {
      _ = try await mesh.client.stop(
        StopRequest(), options: CallOptions(timeout: stopTimeout))
    } catch let fault as Fault where fault.code == .unavailable {
      // It was stopping already and has closed its socket.
    }
    return true
  }

  /// Waits for the supervisor's last act, or does it for one that was killed.
  private static func cleanUp(_ run: RunDirectory, _ context: CommandContext) async throws {
    let deadline = context.loop.nowNanoseconds + UInt64(lockTimeout / .nanoseconds(1))
    while Files.facts(of: run.path) != nil {
      if let lock = try hold(run) {
        await Supervisor.endStale(run, on: context.loop)
        try run.clear()
        _ = lock.descriptor
        return
      }
      guard context.loop.nowNanoseconds < deadline else {
        throw Fault(
          .unavailable, reason: "SUPERVISOR_HANGS",
          "A process holds \(run.lockPath) and does not answer.",
          hint: "end it: kill -9 $(head -1 \(run.processRecord))")
      }
      try await context.loop.sleep(for: .milliseconds(20))
    }
  }

  /// nil while another process holds the directory, or has just removed it.
  private static func hold(_ run: RunDirectory) throws(Fault) -> OpenFile? {
    do {
      return try run.hold()
    } catch {
      if Files.facts(of: run.path) == nil { return nil }
      throw error
    }
  }
}
