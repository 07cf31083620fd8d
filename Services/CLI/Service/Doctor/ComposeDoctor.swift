package import Compose
import Faults
import Machine
import MeshAddressing
import Supervisor
import ToolContext

/// Looks at the compose file, at what it would start, and at where that would live.
package enum ComposeDoctor {
  /// The findings, and the file when it can be read.
  static func file(_ context: CommandContext) -> (findings: [Finding], file: ComposeFile?) {
    do {
      let file = try context.composeFile()
      var findings: [Finding] = [
        .ok(
          "compose file", "\(file.path): \(file.services.count) services, project \(file.project)")
      ]
      findings += remarks(file)
      return (findings, file)
    } catch let error as ComposeError {
      let findings = error.problems.map {
        Finding(.fail, "compose file", "\($0.place): \($0.message)", remedy: $0.hint)
      }
      return (findings, nil)
    } catch {
      let fault = Fault(describing: error)
      return ([Finding(.fail, "compose file", fault.message, remedy: fault.hint)], nil)
    }
  }

  /// What the file asks for and plain processes do not have, a line for each reason.
  package static func remarks(_ file: ComposeFile) -> [Finding] {
    var reasons: [String] = []
    var keys: [String: [String]] = [:]
    for remark in file.remarks {
      if keys[remark.reason] == nil { reasons.append(remark.reason) }
      // The same key of five services is one thing to know.
      let parts = remark.key.split(separator: ".")
      let key = parts.first == "services" ? parts.dropFirst(2).joined(separator: ".") : remark.key
      if keys[remark.reason]?.contains(key) != true { keys[remark.reason, default: []].append(key) }
    }
    return reasons.map { reason in
      .ok("no effect", "\((keys[reason] ?? []).joined(separator: ", ")): \(reason)")
    }
  }

  /// Programs, addresses and directories of the plan.
  static func plan(_ file: ComposeFile, _ place: Surroundings) -> [Finding] {
    let plan: SupervisorPlan
    do {
      plan = try SupervisorPlan(file, in: place)
    } catch {
      return [Finding(.fail, "plan", error.message, remedy: error.hint)]
    }
    var findings: [Finding] = []
    let programs = Set(plan.services.map(\.executable)).sorted()
    findings.append(.ok("programs", programs.joined(separator: ", ")))
    for service in plan.services {
      switch service.listening {
      case .folder: break
      case .fixed(let address):
        findings.append(.ok("address", "\(service.name) listens at \(address): one replica"))
      case .unknown where service.healthcheck == nil:
        findings.append(
          Finding(
            .warn, "address", "nobody can ask \(service.name) whether it is ready",
            remedy: "set ASSAY_MESH_LISTEN for it, or a healthcheck"))
      case .unknown: break
      }
    }
    return findings + [directory(plan), longestSocket(plan)] + strays(file, place)
  }

  /// Variables that `assay` itself looks at.
  private static let ownVariables: Set<String> = [
    "ASSAY_RUN_DIR", "ASSAY_DATA_DIR", "ASSAY_COMPOSE_FILE",
  ]

  /// Settings in our environment that no service gets: a container would not get them either.
  private static func strays(_ file: ComposeFile, _ place: Surroundings) -> [Finding] {
    let known = ownVariables.union(file.usedVariables)
    return place.environment.keys.sorted()
      .filter { $0.hasPrefix("ASSAY_") && !known.contains($0) }
      .map { name in
        let near = Spelling.nearest(to: name, among: known.sorted())
        return Finding(
          .warn, "environment", "\(name) is set here, and no service gets it",
          remedy: near.map { "did you mean \($0)?" }
            ?? "write \(name): under environment: of the services that need it")
      }
  }

  private static func directory(_ plan: SupervisorPlan) -> Finding {
    guard let facts = Files.facts(of: plan.run.path) else {
      return .ok("run directory", "\(plan.run.path) will be made")
    }
    let mode = String(facts.mode, radix: 8)
    if facts.kind != .directory || facts.owner != Processes.ownUser {
      return Finding(
        .fail, "run directory", "\(plan.run.path) is not a directory of yours",
        remedy: "set ASSAY_RUN_DIR to a directory of your own")
    }
    return facts.mode & 0o077 == 0
      ? .ok("run directory", "\(plan.run.path), mode \(mode)")
      : Finding(
        .fail, "run directory", "\(plan.run.path) is open to others, mode \(mode)",
        remedy: "chmod 700 \(plan.run.path)")
  }

  private static func longestSocket(_ plan: SupervisorPlan) -> Finding {
    let paths = plan.services.compactMap { $0.replica(ComposeLimits.replicasMax).socketPath }
    let longest = (paths + [plan.run.controlSocket]).max { $0.utf8.count < $1.utf8.count } ?? ""
    let count = longest.utf8.count + SupervisorPlan.temporarySuffixBytes
    let limit = MeshAddressLimits.socketPathBytesMax
    return .ok("socket paths", "at most \(count) of \(limit) bytes: \(longest)")
  }
}
