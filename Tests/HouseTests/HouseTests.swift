// HouseTests: the rules of the house, read from the sources and held by a test. It looks at the
// repository it was compiled from (from #filePath upwards) and at nothing else: no network, no
// clock, no service. Each rule is a value in `House.rules`, proven on planted samples in
// `RuleSamplesTests`; what a rule lets pass on purpose stands in `House.exceptions` with a reason.
// Limits: it reads tokens, not types, so it sees what is written, not what is meant.
import Testing

@Suite struct HouseTests {
  @Test(arguments: House.rules)
  func `the house holds`(_ rule: Rule) {
    let found = House.violations(of: rule, in: .repository)
    for violation in found.prefix(House.violationsShownMax) {
      Issue.record(
        Comment(rawValue: "\(violation). \(rule.purpose)"), sourceLocation: violation.location)
    }
    if found.count > House.violationsShownMax {
      Issue.record("\(rule.name): \(found.count) places in all")
    }
  }

  @Test func `every exception is still needed`() {
    for exception in House.exceptions {
      let needed = House.rules.contains { rule in
        rule.name == exception.rule
          && rule.check(.repository).contains { exception.covers($0) }
      }
      #expect(needed, "House.exceptions: nothing in \(exception.path) needs \(exception.rule)")
    }
  }

  @Test func `the walk finds the whole tree`() {
    let paths = Set(SourceTree.repository.files.map(\.path))
    for path in ["Package.swift", "Shared/Faults/Fault.swift", "Tests/HouseTests/Rule.swift"] {
      #expect(paths.contains(path))
    }
    #expect(paths.allSatisfy { !$0.hasPrefix(".build/") && !$0.hasPrefix(".git/") })
  }
}
