import Faults
import YAML

/// What one source gives for which settings, and what is wrong with the source itself.
struct SettingInputs {
  /// One value and where it stands.
  struct Given {
    let input: SettingInput
    let origin: SettingOrigin
  }

  /// By the setting's path.
  private(set) var given: [String: Given] = [:]
  private(set) var problems: [ConfigurationProblem] = []
  /// The file that a flag or a variable names.
  private(set) var file: Given?

  private mutating func report(_ message: String, at origin: SettingOrigin?) {
    problems.append(ConfigurationProblem(origin: origin, message))
  }
}

// MARK: - Flags

extension SettingInputs {
  /// Reads `--section.key=value`, `--section.key value`, and `--section.key` alone for true.
  init(arguments: [String], schema: ConfigurationSchema) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--"), argument != "--" else {
        report("unexpected argument '\(argument.prefix(64))'", at: nil)
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let flag = String(parts[0])
      let origin = SettingOrigin.flag(flag)
      let definition = schema.definition(of: String(flag.dropFirst(2)))
      guard definition != nil || flag == ConfigurationSchema.fileFlag else {
        let flags = schema.definitions.map(\.flag) + [ConfigurationSchema.fileFlag]
        report("unknown flag" + Spelling.suggestion(for: flag, among: flags), at: origin)
        // What follows is most likely its value, and not a mistake of its own.
        if parts.count == 1, let next = rest.first, !next.hasPrefix("--") { rest.removeFirst() }
        continue
      }
      var value = parts.count == 2 ? String(parts[1]) : nil
      if value == nil {
        if let next = rest.first, !next.hasPrefix("--") {
          value = rest.removeFirst()
        } else if definition?.kind == .bool {
          value = "true"
        }
      }
      guard let value else {
        report("needs a value", at: origin)
        continue
      }
      set(Given(input: .text(value), origin: origin), for: definition)
    }
  }

  private mutating func set(_ value: Given, for definition: SettingDefinition?) {
    let known = definition.map { given[$0.path] } ?? file
    guard known == nil else {
      report("is given twice", at: value.origin)
      return
    }
    if let definition {
      given[definition.path] = value
    } else {
      file = value
    }
  }
}

// MARK: - Variables

extension SettingInputs {
  /// Reads `ASSAY_SECTION_KEY`; other variables are none of our business.
  init(environment: [String: String], schema: ConfigurationSchema) {
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("ASSAY_")
    {
      let origin = SettingOrigin.environment(name)
      let definition = schema.definition(ofVariable: name)
      if definition != nil || name == ConfigurationSchema.fileVariable {
        set(Given(input: .text(value), origin: origin), for: definition)
      } else if !schema.isForeign(variable: name) {
        let near = Spelling.suggestion(for: name, among: schema.variables)
        report("unknown variable" + near, at: origin)
      }
    }
  }
}

// MARK: - The file

extension SettingInputs {
  /// Reads the sections of assay.yaml. Top-level names that begin with `x-` hold anchors.
  init(file name: String, bytes: [UInt8], schema: ConfigurationSchema) {
    let limits = YAMLLimits(bytesMax: ConfigurationLimits.fileBytesMax)
    do {
      let root = try YAMLNode(parsing: bytes, file: name, limits: limits)
      if root.isNull { return }
      guard let mapping = root.mapping else {
        report(
          "must be a mapping of sections, not \(root.kindName)",
          at: .file(name, line: root.mark.line))
        return
      }
      walk(mapping, below: "", in: name, schema)
    } catch {
      // The message of the error without its place, which the origin says.
      report(error.code.sentence, at: .file(name, line: error.mark.line))
    }
  }

  /// Goes no deeper than the schema does, however deep the file is.
  private mutating func walk(
    _ mapping: YAMLMapping, below section: String, in file: String, _ schema: ConfigurationSchema
  ) {
    for entry in mapping.entries {
      if section.isEmpty, entry.key.hasPrefix("x-") || schema.foreignSections.contains(entry.key) {
        continue
      }
      let path = section.isEmpty ? entry.key : "\(section).\(entry.key)"
      let origin = SettingOrigin.file(file, line: entry.mark.line)
      if entry.key.contains(".") {
        // Otherwise one setting could stand in a file twice, and one of the two would count.
        report(
          "'\(entry.key.prefix(64))' is not a name: write sections inside one another", at: origin)
      } else if schema.definition(of: path) != nil {
        given[path] = Given(input: .node(entry.value), origin: origin)
      } else if schema.sections.contains(path) {
        if let inner = entry.value.mapping {
          walk(inner, below: path, in: file, schema)
        } else if !entry.value.isNull {
          report("'\(path)' is a section, not \(entry.value.kindName)", at: origin)
        }
      } else {
        report(unknown(path, entry.key, schema), at: origin)
      }
    }
  }

  private func unknown(_ path: String, _ key: String, _ schema: ConfigurationSchema) -> String {
    let shown = path.count > 128 ? path.prefix(127) + "…" : path[...]
    let paths = schema.definitions.map(\.path)
    let names = paths + schema.sections.sorted() + schema.foreignSections.sorted()
    if let near = Spelling.nearest(to: path, among: names) {
      return "unknown setting '\(shown)'; did you mean '\(near)'?"
    }
    // The right key in the wrong section.
    let moved = paths.first { $0.hasSuffix(".\(key)") }
    return "unknown setting '\(shown)'" + (moved.map { "; did you mean '\($0)'?" } ?? "")
  }
}
