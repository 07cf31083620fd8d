/// Every rule, its named numbers, and the few places where a rule is broken on purpose.
enum House {
  static let fileLinesMax = 400
  static let functionLinesMax = 70
  static let columnsMax = 100
  static let mainLinesMax = 100
  static let moduleLinesMax = 3_000
  static let foldersUnderModuleMax = 3
  /// Beyond these the list says nothing new.
  static let violationsShownMax = 40

  static let rules: [Rule] =
    ImportRules.all + BudgetRules.all + SafetyRules.all + NameRules.all + DocumentationRules.all
    + TextRules.all + MapRules.all + ComposeRules.all

  /// Each entry is one place, with the reason why the rule must give way there.
  static let exceptions: [RuleException] = [
    RuleException(
      rule: "no-trap", path: "Shared/EventLoop/EventLoop+Executor.swift",
      text: "preconditionFailure",
      reason: "The executor is set by init, for good; the protocol leaves no way to throw."),
    RuleException(
      rule: "no-trap", path: "Shared/EventLoop/SocketStream.swift", text: "preconditionFailure",
      reason: "A use after close is our bug; going on would touch memory that libuv gave back."),
    RuleException(
      rule: "module-length", path: "Shared/EventLoop/BlockingPool.swift", text: "EventLoop has",
      reason: "libuv is seen by one module, so all its handles live here: 13 kinds, none large."),
    RuleException(
      rule: "file-length", path: "Package.swift", text: "lines",
      reason: "SwiftPM reads one file, and each module has its line of purpose in it."),
  ]

  static func violations(of rule: Rule, in tree: SourceTree) -> [Violation] {
    rule.check(tree).filter { violation in
      !exceptions.contains { $0.covers(violation) }
    }
  }
}
