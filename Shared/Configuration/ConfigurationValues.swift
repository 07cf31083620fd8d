/// A configuration that has passed every check. Never changes; a reload makes another.
package struct ConfigurationValues: Sendable {
  /// One setting's value and where it comes from.
  package struct Entry: Sendable {
    package let definition: SettingDefinition
    package let value: SettingValue
    package let origin: SettingOrigin
  }

  private let schema: ConfigurationSchema
  private let byPath: [String: Entry]
  /// What works but should be put right: a secret's file that others can read.
  package let warnings: [ConfigurationProblem]
  /// 1 at start, one more with each reload that changed something.
  package let version: Int

  init(
    schema: ConfigurationSchema, entries: [String: Entry], warnings: [ConfigurationProblem],
    version: Int = 1
  ) {
    self.schema = schema
    byPath = entries
    self.warnings = warnings
    self.version = version
  }

  /// The value of a setting that the schema was made with; any other is a bug.
  package subscript<Value>(setting: Setting<Value>) -> Value {
    let path = setting.definition.path
    let value = byPath[path].flatMap { setting.decode($0.value) }
    precondition(value != nil, "\(path) is not in this schema, or as another type")
    return unsafe value.unsafelyUnwrapped
  }

  /// Where the value of a setting comes from.
  package func origin(of setting: some SettingDeclaration) -> SettingOrigin {
    byPath[setting.definition.path]?.origin ?? .byDefault
  }

  /// Every setting in the order of the schema; what is shown of a secret is not the secret.
  package var entries: [Entry] { schema.definitions.compactMap { byPath[$0.path] } }

  /// These values, with what may change without a restart taken from `next`.
  func reloaded(from next: ConfigurationValues) -> (
    values: ConfigurationValues, ConfigurationReload
  ) {
    var merged = byPath
    var changed: [String] = []
    var needsRestart: [String] = []
    for entry in next.entries {
      let path = entry.definition.path
      guard byPath[path]?.value != entry.value else {
        // The same value may have moved to another line.
        merged[path] = entry
        continue
      }
      if entry.definition.isReloadable {
        merged[path] = entry
        changed.append(path)
      } else {
        needsRestart.append(path)
      }
    }
    let version = changed.isEmpty ? version : version + 1
    let values = ConfigurationValues(
      schema: schema, entries: merged, warnings: next.warnings, version: version)
    return (
      values,
      ConfigurationReload(
        version: version, changed: changed, needsRestart: needsRestart, warnings: next.warnings)
    )
  }
}

/// What reading the sources again has come to.
package struct ConfigurationReload: Equatable, Sendable {
  /// Of the values that are in use now.
  package let version: Int
  /// In use at once.
  package let changed: [String]
  /// Different in the sources, and not in use before the next start.
  package let needsRestart: [String]
  package let warnings: [ConfigurationProblem]
}
