import AccountCommands
package import Console
import RunCommands
package import ToolContext

/// Every verb, in the order of help.
package enum CommandTable {
  package static let commands: [Command] = [
    UpCommand.command, DownCommand.command, PsCommand.command, LogsCommand.command,
    RestartCommand.command, ScaleCommand.command, HealthCommand.command, ReflectCommand.command,
    CallCommand.command, EchoCommand.command, WatchCommand.command, ListCommand.command,
    ShowCommand.command, RequestCommands.cancel, RequestCommands.pause, RequestCommands.resume,
    ExportCommand.command, ProveCommand.command, LedgerAuditCommand.command,
    LedgerCommands.lines, LedgerCommands.spend, LedgerCacheCommand.command,
    LedgerCommands.resolve, BudgetCommands.list, BudgetCommands.set, BudgetCommands.remove,
    KeyCommands.create, KeyCommands.list, KeyCommands.revoke, ProductCommands.list,
    ProductCommands.set, ProductCommands.remove, ModelCommands.list, ModelCommands.price,
    DoctorCommand.command, ConfigCommand.command, VersionCommand.command,
    CompletionCommand.command, HelpCommand.command, CompletionCommand.words,
  ]

  package static let verbs = commands.map(\.verb)
  package static let parser = ArgumentParser(verbs)

  /// The command of that verb.
  package static func command(_ name: String) -> Command? {
    commands.first { $0.verb.name == name }
  }
}
