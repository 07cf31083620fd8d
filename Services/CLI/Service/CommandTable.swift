/// Every verb, in the order of help.
package enum CommandTable {
  package static let verbs: [Verb] = [
    UpCommand.verb, DownCommand.verb, PsCommand.verb, LogsCommand.verb, RestartCommand.verb,
    ScaleCommand.verb,
    HealthCommand.verb, ReflectCommand.verb, CallCommand.verb, DoctorCommand.verb,
    ConfigCommand.verb,
    VersionCommand.verb,
    CompletionCommand.verb,
    HelpCommand.verb, CompletionCommand.words,
  ]

  package static let parser = ArgumentParser(verbs)
}
