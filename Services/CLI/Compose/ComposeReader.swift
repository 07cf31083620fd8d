import Faults
import YAML

/// Reads a compose file, finding everything that is wrong before it gives up.
package struct ComposeReader {
  let path: String
  private(set) var problems: [ComposeProblem] = []
  private(set) var remarks: [ComposeRemark] = []
  private var interpolation: Interpolation
  /// Where each name without a value was used first.
  private var unsetLines: [String: Int] = [:]

  /// Reads `bytes` of the file at `path`, with `variables` for what stands in `${…}`.
  ///
  /// The project's name is `project`, else COMPOSE_PROJECT_NAME, else the file's own, else the
  /// name of its directory.
  package static func read(
    _ bytes: [UInt8], path: String, folderName: String = "assay", project: String? = nil,
    variables: [String: String]
  ) throws(ComposeError) -> ComposeFile {
    let root: YAMLNode
    do {
      root = try YAMLNode(
        parsing: bytes, file: path, limits: YAMLLimits(bytesMax: ComposeLimits.fileBytesMax))
    } catch {
      throw ComposeError([
        ComposeProblem(path: path, line: error.mark.line, message: error.code.sentence)
      ])
    }
    var reader = ComposeReader(path: path, variables: variables)
    let given = project ?? variables["COMPOSE_PROJECT_NAME"].flatMap { $0.isEmpty ? nil : $0 }
    let file = reader.file(root, project: given, folderName: folderName)
    guard reader.problems.isEmpty else { throw ComposeError(reader.problems) }
    return file
  }

  private init(path: String, variables: [String: String]) {
    self.path = path
    interpolation = Interpolation(variables: variables)
  }

  // MARK: - The file

  private mutating func file(
    _ root: YAMLNode, project: String?, folderName: String
  ) -> ComposeFile {
    var name = folderName
    var services: [ComposeService] = []
    var volumes: [ComposeVolume] = []
    var secrets: [String: String] = [:]
    // Secrets are used by services above them in the file: read what is referred to first.
    entries(of: root, at: "", table: ComposeKeys.top) { reader, key, node in
      switch key {
      case "name": name = reader.text(node, at: key) ?? name
      case "volumes": volumes = reader.volumes(node)
      case "secrets": secrets = reader.secrets(node)
      default: break
      }
    }
    guard let mapping = root["services"].flatMap({ mapping($0, at: "services") }) else {
      report(root, "there is no mapping services", hint: "services:\n  store:\n    command: …")
      return ComposeFile(path: path, project: "", services: [])
    }
    if mapping.isEmpty { report(root, "services is empty") }
    if mapping.entries.count > ComposeLimits.servicesMax {
      report(root, "more than \(ComposeLimits.servicesMax) services (servicesMax)")
    }
    for entry in mapping.entries.prefix(ComposeLimits.servicesMax)
    where !entry.key.hasPrefix("x-") {
      guard Self.isName(entry.key) else {
        report(
          entry.mark.line, "\(entry.key) is no name for a service", hint: "letters, digits, - and _"
        )
        continue
      }
      var service = service(entry.key, entry.value, secrets: secrets)
      service.line = entry.mark.line
      services.append(service)
    }
    let file = ComposeFile(
      path: path, project: Self.projectName(project ?? name), services: services,
      volumes: volumes, remarks: [])
    check(file)
    return finished(file)
  }

  private func finished(_ file: ComposeFile) -> ComposeFile {
    var file = file
    file.remarks = remarks
    file.usedVariables = interpolation.usedNames
    for service in file.services {
      file.usedVariables.formUnion(service.environment.map(\.name))
    }
    for (name, line) in unsetLines.sorted(by: { $0.key < $1.key }) {
      file.remarks.append(
        ComposeRemark(key: "${\(name)}", line: line, reason: "the variable is not set: nothing"))
    }
    return file
  }

  /// Lower case letters, digits, `-` and `_`, as every engine wants it.
  static func projectName(_ text: String) -> String {
    let kept = text.lowercased().filter {
      $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_")
    }
    let name = kept.drop { $0 == "-" || $0 == "_" }
    return name.isEmpty ? "assay" : String(name.prefix(projectNameMax))
  }

  /// It is a part of every socket's path.
  private static let projectNameMax = 32

  static func isName(_ text: String) -> Bool {
    text.count <= 48 && text.first.map { $0.isASCII && ($0.isLetter || $0.isNumber) } == true
      && text.allSatisfy {
        $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_")
      }
  }

  // MARK: - Problems

  mutating func report(_ line: Int, _ message: String, hint: String? = nil) {
    guard problems.count < ComposeLimits.problemsMax else { return }
    let problem = ComposeProblem(path: path, line: line, message: message, hint: hint)
    // A merged key is read once for each service that merges it.
    if !problems.contains(problem) { problems.append(problem) }
  }

  mutating func report(_ node: YAMLNode, _ message: String, hint: String? = nil) {
    report(node.mark.line, message, hint: hint)
  }

  mutating func remark(_ key: String, _ line: Int, _ reason: String) {
    remarks.append(ComposeRemark(key: key, line: line, reason: reason))
  }

  // MARK: - Values

  /// Visits the keys that are used, and sees to the others.
  mutating func entries(
    of node: YAMLNode, at place: String, table: [String: KeyTreatment],
    _ visit: (inout ComposeReader, String, YAMLNode) -> Void
  ) {
    guard let mapping = mapping(node, at: place.isEmpty ? "a compose file" : place) else { return }
    for entry in mapping.entries where !entry.key.hasPrefix("x-") {
      let key = place.isEmpty ? entry.key : "\(place).\(entry.key)"
      switch table[entry.key] {
      case .used: visit(&self, entry.key, entry.value)
      case .noEffect(let reason): remark(key, entry.mark.line, reason)
      case .refused(let hint):
        report(entry.mark.line, "\(key) is not supported by assay up", hint: hint)
      case nil:
        let near = Spelling.nearest(to: entry.key, among: table.keys.sorted())
        report(
          entry.mark.line, "\(key) is not a key of the Compose specification",
          hint: near.map { "did you mean \($0)?" } ?? "own keys begin with x-")
      }
    }
  }

  /// A mapping; an empty value counts as an empty one where `emptyCounts`.
  mutating func mapping(_ node: YAMLNode, at place: String) -> YAMLMapping? {
    if let mapping = node.mapping { return mapping }
    report(node, "\(place) must be a mapping, not \(node.kindName)")
    return nil
  }

  /// A plain value with its variables replaced.
  mutating func text(_ node: YAMLNode, at place: String) -> String? {
    guard let scalar = node.scalar, !scalar.isNull else {
      report(node, "\(place) must be a plain value, not \(node.kindName)")
      return nil
    }
    return expand(scalar.text, node)
  }

  private mutating func expand(_ text: String, _ node: YAMLNode) -> String? {
    do {
      let known = interpolation.unsetNames
      let expanded = try interpolation.expand(text)
      for name in interpolation.unsetNames.subtracting(known) { unsetLines[name] = node.mark.line }
      guard !expanded.utf8.contains(0) else {
        report(node, "a value cannot hold a NUL")
        return nil
      }
      return expanded
    } catch {
      report(node, error.message, hint: error.hint)
      return nil
    }
  }

  mutating func number(
    _ node: YAMLNode, at place: String, within range: ClosedRange<Int>
  ) -> Int? {
    guard let text = text(node, at: place) else { return nil }
    if let number = Int(text), range.contains(number) { return number }
    report(
      node, "\(place) must be a number from \(range.lowerBound) to \(range.upperBound)")
    return nil
  }

  mutating func flag(_ node: YAMLNode, at place: String) -> Bool? {
    switch text(node, at: place) {
    case "true"?: return true
    case "false"?: return false
    case nil: return nil
    default:
      report(node, "\(place) must be true or false")
      return nil
    }
  }

  mutating func duration(_ node: YAMLNode, at place: String) -> Duration? {
    guard let text = text(node, at: place) else { return nil }
    if let duration = ComposeDuration.parse(text) { return duration }
    report(node, "\(place) must be a time", hint: "5s, 1m30s, 500ms")
    return nil
  }

  /// A list of plain values; one plain value counts as a list where `singleCounts`.
  mutating func texts(
    _ node: YAMLNode, at place: String, singleCounts: Bool = false
  ) -> [String] {
    if let nodes = node.sequence {
      return nodes.compactMap { text($0, at: place) }
    }
    if singleCounts, node.scalar != nil { return text(node, at: place).map { [$0] } ?? [] }
    report(node, "\(place) must be a list, not \(node.kindName)")
    return []
  }

  /// A command: a list of words, or one text that is cut like a shell would.
  mutating func words(_ node: YAMLNode, at place: String) -> [String] {
    if node.isNull { return [] }
    if node.sequence != nil { return texts(node, at: place) }
    guard let text = text(node, at: place) else { return [] }
    if let words = ShellWords.split(text) { return words }
    report(node, "a quote in \(place) is never closed")
    return []
  }
}
