import Compose
import Console
import Faults
import Machine
import Supervisor
import ToolContext

/// `assay doctor`: everything that could keep the mesh from running, each with what to do.
enum DoctorCommand {
  static let command = Command(
    "doctor", "look for what could keep the mesh from running", flags: Flag.mesh,
    details: """
      Looks at the kernel, limits, directories, the compose file, programs, the configuration of
      each service, and at the mesh when it runs. A line each, with the remedy below. Exit code 1
      when something fails.
      """,
    examples: ["assay doctor", "assay doctor --json"]
  ) { context in
    let (composeFindings, file) = ComposeDoctor.file(context)
    let run = file.map { RunDirectory.locate(project: $0.project, in: context.place) }
    var findings = MachineDoctor.findings(context.place, run: run) + composeFindings
    if let file {
      findings += ComposeDoctor.plan(file, context.place)
      findings += await configuration(file, context)
    }
    findings += await MeshDoctor.findings(context)
    for finding in findings { show(finding, context.terminal) }
    return findings.contains { $0.level == .fail } ? .failed : .success
  }

  private static func configuration(
    _ file: ComposeFile, _ context: CommandContext
  ) async -> [Finding] {
    guard let plan = try? SupervisorPlan(file, in: context.place) else { return [] }
    do {
      let (problems, warnings) = try await ConfigCommand.findings(plan, file: nil, context)
      if problems.isEmpty, warnings.isEmpty {
        return [.ok("configuration", "every service takes its settings")]
      }
      return problems.map {
        Finding(
          .fail, "configuration", "\($0.text) [\($0.services.joined(separator: ", "))]",
          remedy: "correct it: assay config check")
      }
        + warnings.map {
          Finding(.warn, "configuration", "\($0.text) [\($0.services.joined(separator: ", "))]")
        }
    } catch {
      let fault = Fault(describing: error)
      return [Finding(.warn, "configuration", fault.message, remedy: fault.hint)]
    }
  }

  private static func show(_ finding: Finding, _ terminal: Terminal) {
    if terminal.isJSON { return terminal.line(finding.json) }
    let paint: Terminal.Paint =
      switch finding.level {
      case .ok: .green
      case .warn: .yellow
      case .fail: .red
      }
    let level = terminal.painted(finding.level.rawValue, paint)
    let blanks = String(repeating: " ", count: 4 - finding.level.rawValue.count)
    terminal.line("\(level)\(blanks)  \(finding.subject): \(Terminal.harmless(finding.text))")
    if let remedy = finding.remedy { terminal.line("      → \(Terminal.harmless(remedy))") }
  }
}
