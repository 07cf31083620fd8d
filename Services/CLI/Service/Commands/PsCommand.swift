import Console
import JSON
import MeshContract
import ToolContext

/// `assay ps`: what runs.
enum PsCommand {
  static let command = Command(
    "ps", "show what runs", operands: .services, flags: Flag.mesh,
    details: "Lists every replica of the running mesh with its state, process and memory.",
    examples: ["assay ps", "assay ps gateway --json"]
  ) { context in
    let mesh = try await RunningMesh.require(context)
    let replicas = try await mesh.replicas(of: context.operands)
    show(replicas, context.terminal)
    return .success
  }

  /// As a table, or a JSON value a line.
  static func show(_ replicas: [Replica], _ terminal: Terminal) {
    if terminal.isJSON {
      for replica in replicas { terminal.line(ReplicaLine.json(replica)) }
      return
    }
    var table = TextTable(["INSTANCE", "STATE", "PID", "MEMORY", "RESTARTS"], right: [2, 3, 4])
    for replica in replicas {
      table.add([
        replica.instance, ReplicaLine.state(of: replica),
        replica.pid > 0 ? "\(replica.pid)" : "-",
        replica.rssBytes > 0 ? ByteText.short(replica.rssBytes) : "-", "\(replica.restarts)",
      ])
    }
    let lines = table.lines { row, column, cell in
      guard row > 0 else { return terminal.painted(cell, .dim) }
      guard column == 1 else { return Terminal.harmless(cell) }
      return terminal.painted(
        Terminal.harmless(cell), ReplicaLine.paint(for: replicas[row - 1].state))
    }
    for line in lines { terminal.line(line) }
  }
}
