// Configuration: flags, environment, assay.yaml and defaults become one checked value with the
// origin of each part. A service declares its settings once, typed; whatever is unknown, out of
// bounds or missing is reported with all other problems at once, where it stands and with the
// nearest name, and nothing is ever ignored in silence. Secrets come from files only and show as
// redacted. It does not watch files, know any service's settings, or decide what a value means.
// Limits: `ConfigurationLimits`.

/// Everything a process can be told, and nothing else.
package struct ConfigurationSchema: Sendable {
  /// In the order of their declaration.
  package let definitions: [SettingDefinition]
  /// Sections of the same file that belong to other services: not looked into.
  let foreignSections: Set<String>
  /// Variables that begin with `ASSAY_` and are no settings.
  let foreignVariables: Set<String>
  private let byPath: [String: SettingDefinition]
  private let byVariable: [String: SettingDefinition]
  /// Every path that leads to settings without being one: `mesh` for `mesh.listen`.
  let sections: Set<String>

  /// The variable and flag that name the file itself.
  package static let fileVariable = "ASSAY_CONFIG"
  package static let fileFlag = "--config"

  /// A schema that contradicts itself is a bug and stops the program.
  package init(
    _ settings: [any SettingDeclaration], foreignSections: Set<String> = [],
    foreignVariables: Set<String> = []
  ) {
    var byPath: [String: SettingDefinition] = [:]
    var byVariable: [String: SettingDefinition] = [:]
    var sections: Set<String> = []
    definitions = settings.map(\.definition)
    for definition in definitions {
      let path = definition.path
      precondition(Self.isPath(path), "'\(path)' is not section.key in lower case")
      precondition(byPath[path] == nil, "'\(path)' is declared twice")
      let twin = byVariable[definition.variable]?.path ?? ""
      precondition(twin.isEmpty, "'\(path)' and '\(twin)' share a variable")
      precondition(definition.variable != Self.fileVariable, "'\(path)' hides \(Self.fileVariable)")
      precondition(definition.isDefaultValid, "the default of '\(path)' is out of its own bounds")
      byPath[path] = definition
      byVariable[definition.variable] = definition
      let parts = path.split(separator: ".")
      for count in 1..<parts.count { sections.insert(parts[..<count].joined(separator: ".")) }
    }
    let both = sections.first { byPath[$0] != nil } ?? ""
    precondition(both.isEmpty, "'\(both)' is a section and a setting")
    self.byPath = byPath
    self.byVariable = byVariable
    self.sections = sections
    self.foreignSections = foreignSections.subtracting(sections)
    self.foreignVariables = foreignVariables
  }

  /// The setting of that path.
  package func definition(of path: String) -> SettingDefinition? { byPath[path] }

  func definition(ofVariable name: String) -> SettingDefinition? { byVariable[name] }

  var variables: [String] { definitions.map(\.variable) + [Self.fileVariable] }

  /// Whether a variable is somebody else's: of a foreign section, or known by name.
  func isForeign(variable: String) -> Bool {
    foreignVariables.contains(variable)
      || foreignSections.contains { variable.hasPrefix(SettingDefinition.variable(of: $0) + "_") }
  }

  private static func isPath(_ path: String) -> Bool {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count >= 2
      && parts.allSatisfy { part in
        guard let first = part.utf8.first, first >= 0x61, first <= 0x7A else { return false }
        return part.utf8.allSatisfy {
          ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F || $0 == 0x2D
        }
      }
  }
}

/// Bounds on what configuration takes in.
package enum ConfigurationLimits {
  /// Bytes of assay.yaml.
  package static let fileBytesMax = 1 << 20
  /// Bytes of one value, and of one entry of a list or a map.
  package static let valueBytesMax = 4096
  /// Entries of one list or map.
  package static let entriesMax = 1024
  /// Bytes of one secret.
  package static let secretBytesMax = 64 << 10
  /// Problems that are reported; beyond that only their number is.
  package static let problemsMax = 50
}
