import Compose
import Console
import Faults
import JSON
import Machine
import Supervisor
import ToolContext

/// `assay config`: what services are configured with, and whether it is right.
enum ConfigCommand {
  static let command = Command(
    "config", "show or check the configuration of services",
    operands: Operands(
      "show|check [SERVICE|FILE]", count: 1...2, completion: .words(["show", "check"])),
    flags: Flag.mesh + [Flag("origin", "say where each value comes from")],
    details: """
      config show [SERVICE] prints every setting: of the running service when it runs, else what
      it would start with. config check [FILE] has every service of the compose file check its
      settings, with FILE in place of the assay.yaml beside the compose file; all problems are
      told at once. Secrets are never printed.
      """,
    examples: [
      "assay config show store --origin", "assay config check", "assay config check new.yaml",
    ]
  ) { context in
    switch context.operands[0] {
    case "show": return try await show(context)
    case "check": return try await check(context)
    default:
      throw UsageError(
        "assay config does not know \(context.operands[0])", hint: "assay config show",
        verb: "config")
    }
  }

  // MARK: - show

  private static func show(_ context: CommandContext) async throws -> ExitCode {
    let plan = try SupervisorPlan(try context.composeFile(), in: context.place)
    let wanted = context.operands.count > 1 ? context.operands[1] : nil
    if let wanted, plan.service(wanted) == nil {
      throw SupervisorPlan.unknownService(wanted, among: plan.services.map(\.name))
    }
    var isWhole = true
    for service in plan.services where wanted == nil || service.name == wanted {
      let found = try await configuration(of: service, context)
      if wanted == nil, !context.terminal.isJSON {
        context.terminal.line(context.terminal.painted("# \(service.name)", .bold))
      }
      show(found, of: service.name, context)
      isWhole = isWhole && found.problems.isEmpty
    }
    return isWhole ? .success : .failed
  }

  private static func configuration(
    of service: ServicePlan, _ context: CommandContext
  ) async throws -> ServiceConfiguration {
    if try await RunningMesh.find(context) != nil,
      let target = try? await MeshTarget.resolve(service.name, context).first
    {
      return try await ServiceConfiguration.ask(target, on: context.loop)
    }
    return try await ServiceConfiguration.ask(service, on: context.loop)
  }

  private static func show(
    _ found: ServiceConfiguration, of service: String, _ context: CommandContext
  ) {
    let terminal = context.terminal
    if terminal.isJSON {
      for entry in found.entries {
        terminal.line([
          "service": .string(service), "key": .string(entry.key), "value": .string(entry.value),
          "origin": .string(entry.origin),
        ])
      }
    } else {
      var table = TextTable(
        ["SETTING", "VALUE"] + (context.invocation.has("origin") ? ["ORIGIN"] : []))
      for entry in found.entries {
        let cells = [entry.key, Terminal.harmless(entry.value)]
        table.add(cells + (context.invocation.has("origin") ? [entry.origin] : []))
      }
      let lines = table.lines { row, _, cell in row == 0 ? terminal.painted(cell, .dim) : cell }
      for line in lines { terminal.line(line) }
    }
    for warning in found.warnings { terminal.talk("\(service): warning: \(warning)") }
    for problem in found.problems { terminal.talk("\(service): \(problem)") }
  }

  // MARK: - check

  private static func check(_ context: CommandContext) async throws -> ExitCode {
    let plan = try SupervisorPlan(try context.composeFile(), in: context.place)
    var file: String?
    if context.operands.count > 1 {
      let path = Surroundings.absolute(context.operands[1], in: context.place.workingDirectory)
      guard Files.facts(of: path, followingLinks: true)?.kind == .file else {
        throw Fault(.notFound, reason: "NO_FILE", "There is no file \(path).")
      }
      file = path
    }
    let findings = try await findings(plan, file: file, context)
    for (problem, services) in findings.problems { tell(problem, services, "problem", context) }
    for (warning, services) in findings.warnings { tell(warning, services, "warning", context) }
    let names = plan.services.map(\.name).joined(separator: ", ")
    if findings.problems.isEmpty, !context.terminal.isJSON {
      context.terminal.talk("the configuration of \(names) is right")
    }
    return findings.problems.isEmpty ? .success : .failed
  }

  typealias Told = [(text: String, services: [String])]

  /// What the services object to; the same words from several are told once.
  static func findings(
    _ plan: SupervisorPlan, file: String?, _ context: CommandContext
  ) async throws -> (problems: Told, warnings: Told) {
    var problems: Told = []
    var warnings: Told = []
    func add(_ text: String, _ service: String, to told: inout Told) {
      if let index = told.firstIndex(where: { $0.text == text }) {
        told[index].services.append(service)
      } else {
        told.append((text, [service]))
      }
    }
    for service in plan.services {
      let found = try await ServiceConfiguration.ask(service, file: file, on: context.loop)
      for problem in found.problems { add(problem, service.name, to: &problems) }
      for warning in found.warnings { add(warning, service.name, to: &warnings) }
    }
    return (problems, warnings)
  }

  private static func tell(
    _ text: String, _ services: [String], _ kind: String, _ context: CommandContext
  ) {
    if context.terminal.isJSON {
      context.terminal.line([
        "kind": .string(kind), "text": .string(text),
        "services": .array(services.map(JSONValue.string)),
      ])
    } else {
      context.terminal.line(
        "\(kind): \(Terminal.harmless(text)) [\(services.joined(separator: ", "))]")
    }
  }
}
