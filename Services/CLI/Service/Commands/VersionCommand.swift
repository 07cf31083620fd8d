import Console
import JSON
import Machine
import ServiceHost
import ToolContext

/// `assay version`.
enum VersionCommand {
  static let command = Command("version", "print the version", examples: ["assay version --json"]) {
    context in
    if context.terminal.isJSON {
      context.terminal.line([
        "version": .string(AssayVersion.text), "kernel": .string(MachineFacts.kernelRelease),
        "executable": .string(Processes.ownExecutable ?? ""),
      ])
    } else {
      context.terminal.line("assay \(AssayVersion.text)")
    }
    return .success
  }
}
