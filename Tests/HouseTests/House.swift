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
    + TextRules.all + MapRules.all

  /// Each entry is one place, with the reason why the rule must give way there.
  static let exceptions: [RuleException] = []

  static func violations(of rule: Rule, in tree: SourceTree) -> [Violation] {
    rule.check(tree).filter { violation in
      !exceptions.contains { $0.covers(violation) }
    }
  }
}
