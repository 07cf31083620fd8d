package import EventLoop
package import Faults
import Machine
import MeshAddressing
package import MeshContract
import RPC
package import Supervisor

/// A mesh that `assay up` runs, seen through its control socket.
package struct RunningMesh: Sendable {
  package let run: RunDirectory
  package let client: SupervisorClient

  /// The supervisor answers at once or not at all: it does nothing but watch.
  package static let timeout = Duration.seconds(5)

  /// The mesh of the context's compose file; nil when none runs.
  package static func find(_ context: CommandContext) async throws -> RunningMesh? {
    let run = try context.runDirectory()
    guard Files.facts(of: run.controlSocket)?.kind == .socket else { return nil }
    let mesh = RunningMesh(run: run, on: context.loop)
    return await mesh.isThere ? mesh : nil
  }

  /// The same; a fault with what to do when none runs.
  package static func require(_ context: CommandContext) async throws -> RunningMesh {
    guard let mesh = try await find(context) else {
      throw notRunning(try context.runDirectory())
    }
    return mesh
  }

  package static func notRunning(_ run: RunDirectory) -> Fault {
    Fault(
      .unavailable, reason: "MESH_NOT_RUNNING", "No mesh runs in \(run.path).",
      hint: "assay up --detach", facts: ["path": run.path])
  }

  package init(run: RunDirectory, on loop: EventLoop) {
    self.run = run
    client = SupervisorClient(Channel(to: .unix(path: run.controlSocket), on: loop))
  }

  /// Whether a supervisor answers: a socket may be left of one that was killed.
  private var isThere: Bool {
    get async {
      var options = CallOptions(timeout: Self.timeout)
      options.patience = .upTo(.milliseconds(200))
      return (try? await client.status(StatusRequest(), options: options)) != nil
    }
  }

  /// The replicas, of some services or of all.
  package func replicas(of services: [String] = []) async throws -> [Replica] {
    let options = CallOptions(timeout: Self.timeout)
    return try await client.status(StatusRequest(services: services), options: options).replicas
  }
}
