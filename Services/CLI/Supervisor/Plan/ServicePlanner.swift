import Compose
import Faults

/// Turns one service of a compose file into processes: programs found, paths rewritten, the
/// environment laid out.
struct ServicePlanner {
  let file: ComposeFile
  let service: ComposeService
  let run: RunDirectory
  let place: Surroundings
  private var folders: [String] = []

  init(file: ComposeFile, service: ComposeService, run: RunDirectory, place: Surroundings) {
    self.file = file
    self.service = service
    self.run = run
    self.place = place
  }

  /// Variables of ours that every process may need to find its way about the machine.
  private static let passedOn = [
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS",
  ]

  mutating func plan(replicas: Int?) throws(Fault) -> ServicePlan {
    let paths = PathRewriting(mounts())
    let environment = self.environment(paths)
    let words = service.command.map(paths.apply)
    guard let program = words.first, let executable = place.find(program) else {
      throw fault(
        "PROGRAM_NOT_FOUND",
        "there is no program \(words.first ?? "") beside assay (\(place.executableFolder))"
          + " or in PATH",
        hint: "build it, or set PATH")
    }
    let listening = Self.listening(environment["ASSAY_MESH_LISTEN"])
    let count = replicas ?? service.replicas
    guard (0...ComposeLimits.replicasMax).contains(count) else {
      throw fault(
        "TOO_MANY_REPLICAS", "\(count) replicas; at most \(ComposeLimits.replicasMax) are run",
        hint: nil)
    }
    if case .fixed(let address) = listening, count > 1 {
      throw fault(
        "FIXED_ADDRESS", "\(count) replicas cannot all listen at \(address)",
        hint: "let it listen at unix-dir:/run/assay/\(service.name)")
    }
    return ServicePlan(
      name: service.name, replicas: count, policy: policy, dependsOn: service.dependsOn,
      stopsFirst: service.stopsFirst, executable: executable,
      arguments: Array(words.dropFirst()), environment: environment,
      workingDirectory: workingDirectory(paths), listening: listening,
      healthcheck: service.healthcheck.map { check in
        var check = check
        check.test = check.test.map(paths.apply)
        return check
      }, folders: folders, run: run)
  }

  private var policy: ReplicaPolicy {
    var policy = ReplicaPolicy(restart: service.restart)
    if let grace = service.stopGracePeriod { policy.stopGrace = grace }
    return policy
  }

  // MARK: - Paths

  /// What stands on this machine for each path the service sees.
  private mutating func mounts() -> [(target: String, replacement: String)] {
    var pairs: [(target: String, replacement: String)] = []
    for (index, mount) in service.mounts.enumerated() {
      let folder: String
      switch mount.source {
      case .volume(let name):
        let isTemporary = file.volume(name)?.isTemporary ?? false
        folder = isTemporary ? run.volume(name) : run.data(name)
        folders.append(folder)
      case .anonymous:
        folder = run.volume("\(service.name).\(index + 1)")
        folders.append(folder)
      case .bind(let path):
        folder = Surroundings.absolute(path, in: composeFolder)
      }
      pairs.append((mount.target, folder))
    }
    return pairs
  }

  private var composeFolder: String {
    Surroundings.folder(of: Surroundings.absolute(file.path, in: place.workingDirectory))
  }

  private func workingDirectory(_ paths: PathRewriting) -> String {
    guard let directory = service.workingDirectory else { return composeFolder }
    return Surroundings.absolute(paths.apply(directory), in: composeFolder)
  }

  static func listening(_ value: String?) -> ServicePlan.Listening {
    guard let value, !value.isEmpty else { return .unknown }
    let prefix = "unix-dir:"
    guard value.hasPrefix(prefix) else { return .fixed(value) }
    return .folder(String(value.dropFirst(prefix.count)))
  }

  // MARK: - Environment

  private func environment(_ paths: PathRewriting) -> [String: String] {
    var result: [String: String] = [:]
    for name in Self.passedOn { result[name] = place.environment[name] }
    // A crash is told by its signal and the last lines of the log; a trace takes seconds.
    result["SWIFT_BACKTRACE"] = "enable=no"
    for (name, value) in service.environment {
      guard let value else {
        result[name] = place.environment[name]
        continue
      }
      result[name] = name == "ASSAY_IDENTITY_UIDS" ? identities(value) : paths.apply(value)
    }
    return result
  }

  /// `store=20001,gateway=20002` with the one uid that all processes have here.
  private func identities(_ value: String) -> String {
    value.split(separator: ",").map { pair in
      "\(pair.prefix { $0 != "=" })=\(place.user)"
    }.joined(separator: ",")
  }

  private func fault(_ reason: String, _ message: String, hint: String?) -> Fault {
    Fault(
      .failedPrecondition, reason: reason,
      "\(file.path):\(service.line): service \(service.name): \(message).", hint: hint,
      facts: ["service": service.name])
  }
}
