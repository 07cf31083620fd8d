/// compose.yaml is the call graph too: who mounts a socket volume may call its server.
enum ComposeRules {
  static let all = [calls, walls]

  /// Services that reach beyond the mesh; all others have no network at all.
  private static let networked: Set<String> = ["edge", "gateway"]
  private static let path = "compose.yaml"

  static let calls = Rule(
    name: "compose-is-the-call-graph",
    purpose: "Peers and read-only socket volumes follow Architecture.services."
  ) { tree in
    sections(in: tree).flatMap { section -> [Violation] in
      guard
        let service = Architecture.services.first(where: { $0.name.lowercased() == section.name })
      else { return [section.violation("compose-is-the-call-graph", "no such service")] }
      let allowed = Set(service.calls.map { $0.lowercased() })
      let peers = section.names(between: "ASSAY_MESH_", and: ":").subtracting(["listen"])
      let mounts = section.names(between: "-sockets:/run/assay/", and: ":ro")
      return [("is told of", peers), ("mounts", mounts)].compactMap { what, found in
        guard found != allowed else { return nil }
        return section.violation(
          "compose-is-the-call-graph", "\(what) \(found.sorted()), may call \(allowed.sorted())")
      }
    }
  }

  static let walls = Rule(
    name: "compose-keeps-walls", purpose: "No network but for Edge and Gateway."
  ) { tree in
    sections(in: tree).compactMap { section in
      let isAlone = section.lines.contains { $0.hasSuffix("network_mode: none") }
      guard isAlone == networked.contains(section.name) else { return nil }
      return section.violation(
        "compose-keeps-walls", isAlone ? "cannot reach beyond the mesh" : "has a network")
    }
  }

  /// One service of compose.yaml, as lines.
  private struct Section {
    let name: String
    let line: Int
    var lines: [String] = []

    func violation(_ rule: String, _ message: String) -> Violation {
      Violation(rule: rule, path: path, line: line, message: "\(name) \(message)")
    }

    /// Lower-case words that stand between two texts, one a line.
    func names(between start: String, and end: String) -> Set<String> {
      Set(
        lines.compactMap { line in
          let rest = line.split(separator: start, maxSplits: 1, omittingEmptySubsequences: false)
          guard rest.count == 2 else { return nil }
          let parts = rest[1].split(separator: end, omittingEmptySubsequences: false)
          return parts.count > 1 ? parts[0].lowercased() : nil
        })
    }
  }

  private static func sections(in tree: SourceTree) -> [Section] {
    guard let file = tree.file(path) else { return [] }
    var found: [Section] = []
    var isInside = false
    for (index, line) in file.lines.enumerated() where line.first != "#" && !line.isEmpty {
      if line.first != " " {
        isInside = line == "services:"
      } else if isInside, line.hasPrefix("  "), !line.hasPrefix("   "), line.hasSuffix(":") {
        let name = line.dropFirst(2).dropLast()
        found.append(Section(name: String(name), line: index + 1))
      } else if isInside, !found.isEmpty {
        found[found.count - 1].lines.append(line)
      }
    }
    return found
  }
}
