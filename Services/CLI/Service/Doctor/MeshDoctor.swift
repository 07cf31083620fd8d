import Faults
import Machine
import MeshAddressing
import MeshContract
import RPC
import ServiceHost
import Supervisor
import ToolContext

/// Looks at the running mesh, when one runs.
package enum MeshDoctor {
  private static let timeout = Duration.seconds(2)

  static func findings(_ context: CommandContext) async -> [Finding] {
    guard let mesh = try? await RunningMesh.find(context) else {
      return [.ok("mesh", "not running")]
    }
    guard let replicas = try? await mesh.replicas() else {
      return [
        Finding(
          .fail, "mesh", "the supervisor does not answer", remedy: "assay down, then assay up")
      ]
    }
    var findings = [summary(replicas)]
    findings.append(socket(mesh.run.controlSocket, isPrivate: true))
    for replica in replicas where replica.state == .ready {
      if replica.socket.hasPrefix("unix:") {
        findings.append(socket(String(replica.socket.dropFirst(5)), isPrivate: false))
      }
      findings += await version(of: replica, context)
    }
    return findings
  }

  private static func summary(_ replicas: [Replica]) -> Finding {
    let unready = replicas.filter { $0.state != .ready }
    guard !unready.isEmpty else { return .ok("mesh", "\(replicas.count) replicas, all ready") }
    let text = unready.map { "\($0.instance) \(ReplicaLine.state(of: $0))" }
    return Finding(
      .fail, "mesh", text.joined(separator: "; "), remedy: "assay logs \(unready[0].service)")
  }

  private static func socket(_ path: String, isPrivate: Bool) -> Finding {
    guard let facts = Files.facts(of: path), facts.kind == .socket else {
      return Finding(.fail, "socket", "\(path) is not there", remedy: "assay restart")
    }
    let mode = String(facts.mode, radix: 8)
    let open = isPrivate ? facts.mode & 0o077 : facts.mode & 0o007
    return open == 0
      ? .ok("socket", "\(path), mode \(mode)")
      : Finding(
        .warn, "socket", "\(path) is open to everybody, mode \(mode)",
        remedy: "set ASSAY_MESH_SOCKET_MODE=0660")
  }

  private static func version(of replica: Replica, _ context: CommandContext) async -> [Finding] {
    guard let address = try? MeshAddress(replica.socket) else { return [] }
    let client = AdminClient(Channel(to: address, on: context.loop))
    do {
      let info = try await client.info(InfoRequest(), options: CallOptions(timeout: timeout))
      if info.version == AssayVersion.text {
        return [.ok("version", "\(replica.instance) is \(info.version)")]
      }
      return [
        Finding(
          .warn, "version", "\(replica.instance) is \(info.version), this is \(AssayVersion.text)",
          remedy: "assay restart \(replica.service) --rolling")
      ]
    } catch let fault as Fault where fault.code == .unimplemented {
      return []
    } catch {
      return [
        Finding(
          .fail, "version",
          "\(replica.instance) does not answer: \(Fault(describing: error).message)",
          remedy: "assay logs \(replica.service)")
      ]
    }
  }
}
