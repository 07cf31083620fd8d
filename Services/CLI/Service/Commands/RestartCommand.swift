import Compose
import Console
import JSON
import MeshContract
import RPC
import Supervisor
import ToolContext

/// `assay restart`: stop and start replicas, or replace them one by one.
enum RestartCommand {
  /// A rolling restart waits for each new replica.
  private static let timeout = Duration.seconds(600)

  static let command = Command(
    "restart", "restart services", operands: .services,
    flags: Flag.mesh + [
      Flag("rolling", "start each new replica before its old one drains: no call fails")
    ],
    details: "Without names, every service. A replica that does not become ready is taken away.",
    examples: ["assay restart gateway --rolling", "assay restart"]
  ) { context in
    let mesh = try await RunningMesh.require(context)
    let services = context.operands.isEmpty ? [""] : context.operands
    for service in services {
      let request = RestartRequest(service: service, rolling: context.invocation.has("rolling"))
      let answer = try await mesh.client.restart(request, options: CallOptions(timeout: timeout))
      for instance in answer.restarted {
        if context.terminal.isJSON {
          context.terminal.line(["restarted": .string(instance)])
        } else {
          context.terminal.talk("restarted \(instance)")
        }
      }
    }
    return .success
  }
}

/// `assay scale`: as many replicas as asked for.
enum ScaleCommand {
  static let command = Command(
    "scale", "run as many replicas as asked for",
    operands: Operands("SERVICE=COUNT…", count: 1...Operands.operandsMax, completion: .services),
    flags: Flag.mesh,
    details: "New replicas start at once; those with the highest numbers drain and end.",
    examples: ["assay scale gateway=3", "assay scale gateway=2 ingest=0"]
  ) { context in
    let counts = try ScaleArgument.parse(context.operands, verb: "scale")
    let mesh = try await RunningMesh.require(context)
    try await apply(counts, to: mesh, context.terminal)
    return .success
  }

  /// Tells the supervisor each number.
  static func apply(
    _ counts: [(service: String, count: Int)], to mesh: RunningMesh, _ terminal: Terminal
  ) async throws {
    for (service, count) in counts {
      let request = ScaleRequest(service: service, replicas: UInt32(clamping: count))
      let before = try await mesh.client.scale(
        request, options: CallOptions(timeout: RunningMesh.timeout)
      ).before
      if terminal.isJSON {
        terminal.line([
          "service": .string(service), "before": .number(Int(before)), "replicas": .number(count),
        ])
      } else {
        terminal.talk("\(service): \(before) → \(count)")
      }
    }
  }
}

/// `gateway=3`.
enum ScaleArgument {
  static func parse(
    _ words: [String], verb: String
  ) throws(UsageError) -> [(service: String, count: Int)] {
    var counts: [(service: String, count: Int)] = []
    for word in words {
      let parts = word.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, let count = Int(parts[1]),
        (0...ComposeLimits.replicasMax).contains(count)
      else {
        throw UsageError(
          "\(word) is not SERVICE=COUNT with a count from 0 to \(ComposeLimits.replicasMax)",
          hint: "gateway=3", verb: verb)
      }
      guard !counts.contains(where: { $0.service == parts[0] }) else {
        throw UsageError("\(parts[0]) is scaled twice", verb: verb)
      }
      counts.append((String(parts[0]), count))
    }
    return counts
  }
}
