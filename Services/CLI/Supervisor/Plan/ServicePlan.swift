package import Compose

/// One service of the mesh as processes of this machine.
package struct ServicePlan: Equatable, Sendable {
  /// Where the replicas of a service listen.
  package enum Listening: Equatable, Sendable {
    /// Each under its own name in a directory that they share.
    case folder(String)
    /// At one address, so there can be one replica.
    case fixed(String)
    /// It does not say.
    case unknown
  }

  package var name: String
  package var replicas: Int
  package var policy: ReplicaPolicy
  package var dependsOn: [String]
  /// Whether a rolling restart stops the old replica first.
  package var stopsFirst: Bool
  package var executable: String
  package var arguments: [String]
  package var environment: [String: String]
  package var workingDirectory: String
  package var listening: Listening
  /// A command that says whether a process is well, for what does not speak gRPC.
  package var healthcheck: ComposeHealthcheck?
  /// Directories that must be there before a replica starts.
  package var folders: [String]
  package var run: RunDirectory

  /// Number `number` of this service, from 1.
  package func replica(_ number: Int) -> ReplicaPlan {
    let instance = "\(name)-\(number)"
    let temporary = run.temporary(of: instance)
    var variables = environment
    variables["ASSAY_MESH_INSTANCE"] = instance
    variables["TMPDIR"] = temporary
    let address: String? =
      switch listening {
      case .folder(let folder): "unix:\(folder)/\(instance).sock"
      case .fixed(let address): address
      case .unknown: nil
      }
    return ReplicaPlan(
      service: name, number: number, instance: instance, executable: executable,
      arguments: arguments,
      environment: variables,
      workingDirectory: workingDirectory, address: address, logPath: run.log(of: instance),
      temporaryFolder: temporary, folders: folders + [temporary])
  }
}

/// One process of the mesh.
package struct ReplicaPlan: Equatable, Sendable {
  package var service: String
  /// From 1; a replica's name, socket and log are named after it.
  package var number: Int
  package var instance: String
  package var executable: String
  package var arguments: [String]
  package var environment: [String: String]
  package var workingDirectory: String
  /// Where this very replica listens; nil when nobody knows.
  package var address: String?
  package var logPath: String
  package var temporaryFolder: String
  package var folders: [String]

  /// The file of the replica's socket; nil when it is none.
  package var socketPath: String? {
    guard let address, address.hasPrefix("unix:") else { return nil }
    return String(address.dropFirst("unix:".count))
  }
}
