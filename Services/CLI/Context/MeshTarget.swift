import EventLoop
import Faults
import Machine
package import MeshAddressing
import MeshContract
import RPC
import Supervisor

/// A server that a command speaks to.
package struct MeshTarget: Sendable {
  /// `gateway-2`, or the address when nobody gave it a name.
  package let name: String
  /// The service of the mesh it is a replica of, when it is one.
  package let service: String?
  package let address: MeshAddress

  package init(name: String, service: String?, address: MeshAddress) {
    self.name = name
    self.service = service
    self.address = address
  }

  /// What the text names: an address, a service of the running mesh (each of its replicas), or
  /// one replica.
  package static func resolve(_ text: String, _ context: CommandContext) async throws
    -> [MeshTarget]
  {
    if isAddress(text) { return try expand(try MeshAddress(text), context) }
    let mesh = try await RunningMesh.require(context)
    let replicas = try await mesh.replicas()
    let wanted = replicas.filter { $0.service == text || $0.instance == text }
    let targets = try wanted.filter { !$0.socket.isEmpty }.map { replica in
      MeshTarget(
        name: replica.instance, service: replica.service,
        address: try MeshAddress(replica.socket))
    }
    if !targets.isEmpty { return targets }
    let names = Set(replicas.map(\.service)).sorted()
    guard wanted.isEmpty else {
      throw Fault(
        .failedPrecondition, reason: "NO_ADDRESS", "\(text) does not say where it listens.",
        hint: "give its address: unix:/path or tcp://host:port")
    }
    throw SupervisorPlan.unknownService(text, among: names + replicas.map(\.instance))
  }

  /// Every replica of the running mesh that has an address.
  package static func all(_ context: CommandContext) async throws -> [MeshTarget] {
    let mesh = try await RunningMesh.require(context)
    return try await mesh.replicas().filter { !$0.socket.isEmpty }.map { replica in
      MeshTarget(
        name: replica.instance, service: replica.service,
        address: try MeshAddress(replica.socket))
    }
  }

  package static func isAddress(_ text: String) -> Bool {
    ["unix:", "unix-dir:", "tcp://", "dns:///"].contains { text.hasPrefix($0) }
  }

  /// A directory of sockets becomes its sockets; inside a service's own container, its own.
  private static func expand(
    _ address: MeshAddress, _ context: CommandContext
  ) throws -> [MeshTarget] {
    guard case .unixDirectory(let path) = address else {
      return [MeshTarget(name: address.description, service: nil, address: address)]
    }
    let environment = context.place.environment
    var names = Files.entries(of: path).filter { $0.hasSuffix(".sock") }
    if environment["ASSAY_MESH_LISTEN"] == address.description {
      let own = environment["ASSAY_MESH_INSTANCE"] ?? environment["HOSTNAME"]
      if let own, names.contains("\(own).sock") { names = ["\(own).sock"] }
    }
    guard !names.isEmpty else {
      throw Fault(
        .unavailable, reason: "NOBODY_LISTENS", "There is no socket in \(path).",
        hint: "is the service started?")
    }
    return names.map { name in
      MeshTarget(
        name: String(name.dropLast(".sock".count)), service: nil,
        address: .unix(path: "\(path)/\(name)"))
    }
  }
}
