/// README is the map: what stands in the house stands on the map, and the two agree.
enum MapRules {
  static let all = [folders, services, targets]

  static let folders = Rule(
    name: "readme-names-every-folder", purpose: "Add the folder to the map in README.md."
  ) { tree in
    let tops = Set(
      tree.files.filter { $0.path.contains("/") }
        .compactMap { $0.path.split(separator: "/").first.map(String.init) })
    return missing(in: tree, rule: "readme-names-every-folder", tops.map { ($0, "\($0)/") })
  }

  static let services = Rule(
    name: "readme-names-every-service", purpose: "Say in README.md what the service is for."
  ) { tree in
    let names = Set(
      tree.files.filter { $0.path.hasPrefix("Services/") }
        .compactMap { $0.path.split(separator: "/").dropFirst().first.map(String.init) })
    return missing(
      in: tree, rule: "readme-names-every-service", names.map { ($0, "Services/\($0)") })
  }

  static let targets = Rule(
    name: "readme-names-every-make-target", purpose: "Say in README.md what `make …` does."
  ) { tree in
    let names = makeTargets(in: tree)
    return missing(
      in: tree, rule: "readme-names-every-make-target", names.map { ($0, "make \($0)") })
  }

  private static func makeTargets(in tree: SourceTree) -> [String] {
    guard let makefile = tree.file("Makefile") else { return [] }
    return makefile.lines.filter { $0.hasPrefix(".PHONY:") }
      .flatMap { $0.dropFirst(7).split(separator: " ").map(String.init) }
  }

  private static func missing(
    in tree: SourceTree, rule: String, _ wanted: [(name: String, text: String)]
  ) -> [Violation] {
    guard let readme = tree.file("README.md") else {
      return [Violation(rule: rule, path: "README.md", line: 1, message: "there is no README.md")]
    }
    let text = readme.lines.joined(separator: "\n")
    return wanted.sorted { $0.name < $1.name }.filter { !text.contains($0.text) }
      .map { readme.violation(rule, line: 1, "`\($0.text)` is not on the map") }
  }
}
