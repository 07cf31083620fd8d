package import Compose
package import Faults
import MeshAddressing

/// The mesh of a compose file as processes of this machine: everything is decided here, nothing
/// is done.
package struct SupervisorPlan: Equatable, Sendable {
  package var project: String
  package var composePath: String
  package var run: RunDirectory
  /// Each behind those it depends on.
  package var services: [ServicePlan]
  /// Words before each program so that it ends when the supervisor is killed; empty where this
  /// machine has no `setpriv`, and the next `up` or `down` cleans up instead.
  package var guardWords: [String]

  /// The service of that name.
  package func service(_ name: String) -> ServicePlan? { services.first { $0.name == name } }

  /// Plans the file's services; `scale` overrides how many replicas of each.
  package init(
    _ file: ComposeFile, scale: [String: Int] = [:], profiles: Set<String> = [],
    in place: Surroundings
  ) throws(Fault) {
    project = file.project
    composePath = file.path
    run = RunDirectory.locate(project: file.project, in: place)
    services = []
    guardWords = place.find("setpriv").map { [$0, "--pdeathsig", "TERM", "--"] } ?? []
    let chosen = file.startOrder.filter {
      $0.profiles.isEmpty || !profiles.isDisjoint(with: $0.profiles)
    }
    for name in scale.keys.sorted() where !chosen.contains(where: { $0.name == name }) {
      throw Self.unknownService(name, among: chosen.map(\.name))
    }
    for service in chosen {
      var maker = ServicePlanner(file: file, service: service, run: run, place: place)
      services.append(try maker.plan(replicas: scale[service.name]))
    }
    try checkSocketPaths()
  }

  package static func unknownService(_ name: String, among names: [String]) -> Fault {
    Fault(
      .notFound, reason: "UNKNOWN_SERVICE", "There is no service \(name).",
      hint: Spelling.nearest(to: name, among: names).map { "did you mean \($0)?" }
        ?? "services: \(names.joined(separator: ", "))")
  }

  // MARK: - Socket paths

  /// A server binds to `<path>.<pid>.tmp` first; pids have up to seven digits.
  package static let temporarySuffixBytes = ".4194304.tmp".utf8.count

  private func checkSocketPaths() throws(Fault) {
    var paths = [run.controlSocket]
    for service in services {
      guard case .folder = service.listening else { continue }
      paths += service.replica(ComposeLimits.replicasMax).socketPath.map { [$0] } ?? []
    }
    let longest = paths.max { $0.utf8.count < $1.utf8.count } ?? ""
    let count = longest.utf8.count + Self.temporarySuffixBytes
    let limit = MeshAddressLimits.socketPathBytesMax
    guard count > limit else { return }
    throw Fault(
      .failedPrecondition, reason: "SOCKET_PATH_TOO_LONG",
      "The socket \(longest) would need \(count) bytes; a socket's path has"
        + " \(limit) at most.",
      hint: "set ASSAY_RUN_DIR to a path that is \(count - limit) bytes shorter",
      facts: ["path": longest, "limit": "\(limit)"])
  }
}
