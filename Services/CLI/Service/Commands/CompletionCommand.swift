import Compose
import Console
import Supervisor
import ToolContext

/// `assay completion`: teach a shell.
enum CompletionCommand {
  static let command = Command(
    "completion", "print completion for a shell",
    operands: Operands(
      "bash|zsh|fish", count: 1...1, completion: .words(Completion.Shell.allCases.map(\.rawValue))),
    examples: ["source <(assay completion bash)", "assay completion fish | source"]
  ) { context in
    guard let shell = context.operands.first.flatMap(Completion.Shell.init) else {
      throw UsageError(
        "there is no completion for \(context.operands.joined())", hint: "bash, zsh or fish",
        verb: "completion")
    }
    context.terminal.output(Completion(CommandTable.verbs).script(for: shell))
    return .success
  }

  /// What the scripts ask for: names of services, one a line; silent when there are none.
  static let words = Command(
    "__complete", "print words for completion", operands: Operands("KIND", count: 1...1),
    isHidden: true
  ) { context in
    guard context.operands == ["services"], let file = try? context.composeFile() else {
      return .success
    }
    for service in file.services { context.terminal.line(service.name) }
    return .success
  }
}
