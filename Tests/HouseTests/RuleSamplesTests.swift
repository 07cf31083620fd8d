import Testing

/// A planted piece of source, and the lines on which the rule must speak up.
struct RuleSample: Sendable, CustomTestStringConvertible {
  let rule: String
  let files: [(path: String, text: String)]
  /// Lines of the first file; empty when the rule must stay silent.
  let lines: [Int]

  init(_ rule: String, _ path: String, _ text: String, breaks lines: [Int] = []) {
    self.init(rule, files: [(path, text)], breaks: lines)
  }

  init(_ rule: String, files: [(String, String)], breaks lines: [Int] = []) {
    self.rule = rule
    self.files = files
    self.lines = lines
  }

  var tree: SourceTree {
    SourceTree(files: files.map { SourceFile(path: $0.path, text: $0.text) })
  }

  var testDescription: String { "\(rule) \(lines.isEmpty ? "passes" : "fails") \(files[0].path)" }
}

@Suite struct RuleSamplesTests {
  static let samples =
    RuleSample.imports + RuleSample.sizes + RuleSample.safety + RuleSample.names
    + RuleSample.documentation + RuleSample.texts + RuleSample.maps
    + RuleSample.compose

  @Test(arguments: samples)
  func `a rule speaks up exactly where a sample breaks it`(_ sample: RuleSample) throws {
    let rule = try #require(House.rules.first { $0.name == sample.rule })
    let found = rule.check(sample.tree).filter { $0.path == sample.files[0].path }
    #expect(found.map(\.line) == sample.lines, "\(found.map(\.description))")
    #expect(found.allSatisfy { $0.rule == rule.name }, "a violation must carry its rule's name")
  }

  @Test(arguments: House.rules)
  func `every rule is proven both ways`(_ rule: Rule) {
    let own = Self.samples.filter { $0.rule == rule.name }
    #expect(own.contains { !$0.lines.isEmpty }, "no sample breaks \(rule.name)")
    #expect(own.contains { $0.lines.isEmpty }, "no sample keeps \(rule.name)")
  }

  @Test func `no two rules share a name`() {
    #expect(Set(House.rules.map(\.name)).count == House.rules.count)
  }
}
