import Machine
import Telemetry

/// Reads all sources of one schema and checks every value, once.
package struct ConfigurationReader: Sendable {
  package let schema: ConfigurationSchema

  package init(schema: ConfigurationSchema) {
    self.schema = schema
  }

  /// What the sources say together: flags over variables over the file over defaults.
  package func read(
    _ sources: ConfigurationSources
  ) throws(ConfigurationError) -> ConfigurationValues {
    let flags = SettingInputs(arguments: sources.arguments, schema: schema)
    let variables = SettingInputs(environment: sources.environment, schema: schema)
    let files = ConfigurationFiles.system(environment: sources.environment)
    var problems = flags.problems + variables.problems
    var inputs = [flags, variables]
    if let found = readFile(sources, flags.file ?? variables.file, files, &problems) {
      let file = SettingInputs(file: found.name, bytes: found.bytes, schema: schema)
      problems += file.problems
      inputs.append(file)
    }
    return try check(inputs, files, problems)
  }

  /// What a file alone says, without looking at any other file: for tests and fuzzers.
  package func parse(
    _ bytes: [UInt8], file: String = "assay.yaml"
  ) throws(ConfigurationError) -> ConfigurationValues {
    let inputs = SettingInputs(file: file, bytes: bytes, schema: schema)
    return try check([inputs], .none, inputs.problems)
  }

  // MARK: - Files

  private func readFile(
    _ sources: ConfigurationSources, _ named: SettingInputs.Given?, _ files: ConfigurationFiles,
    _ problems: inout [ConfigurationProblem]
  ) -> (name: String, bytes: [UInt8])? {
    var name = sources.defaultFile
    if case .text(let path)? = named?.input { name = path }
    guard let name else { return nil }
    do {
      if let bytes = try files.read(name) { return (name, bytes) }
      // A file that nobody asked for need not be there.
      if let named {
        problems.append(ConfigurationProblem(origin: named.origin, "'\(name)' does not exist"))
      }
    } catch {
      problems.append(ConfigurationProblem(origin: named?.origin, error.description))
    }
    return nil
  }

  // MARK: - Values

  private func check(
    _ inputs: [SettingInputs], _ files: ConfigurationFiles, _ given: [ConfigurationProblem]
  ) throws(ConfigurationError) -> ConfigurationValues {
    var problems = given
    var warnings: [ConfigurationProblem] = []
    var entries: [String: ConfigurationValues.Entry] = [:]
    for definition in schema.definitions {
      var chosen: (value: SettingValue, origin: SettingOrigin)?
      var isGiven = false
      // What a stronger source covers is checked too: it may be uncovered by the next start.
      for source in inputs {
        guard let given = source.given[definition.path] else { continue }
        do {
          let value = try definition.read(given.input)
          if !isGiven { chosen = (value, given.origin) }
        } catch {
          problems.append(definition.problem(error.words, at: given.origin))
        }
        isGiven = true
      }
      if !isGiven {
        if let value = definition.defaultValue {
          chosen = (value, .byDefault)
        } else {
          problems.append(ConfigurationProblem(origin: nil, definition.missing))
        }
      }
      guard var chosen else { continue }
      if definition.kind == .secretFile, case .string(let path) = chosen.value {
        do {
          let file = try files.readSecret(path)
          chosen.value = .secret(file.secret, path: path)
          if file.isExposed {
            warnings.append(
              definition.problem("can be read by others; use mode 0400", at: chosen.origin))
          }
        } catch {
          problems.append(definition.problem(error.words, at: chosen.origin))
        }
      }
      entries[definition.path] = ConfigurationValues.Entry(
        definition: definition, value: chosen.value, origin: chosen.origin)
    }
    guard problems.isEmpty else { throw ConfigurationError(problems) }
    return ConfigurationValues(schema: schema, entries: entries, warnings: warnings)
  }
}

extension SettingDefinition {
  fileprivate func read(_ input: SettingInput) throws(SettingRefusal) -> SettingValue {
    let value = try kind.read(input)
    if let objection = check?(value) { throw SettingRefusal(objection) }
    return value
  }

  fileprivate func problem(_ words: String, at origin: SettingOrigin) -> ConfigurationProblem {
    ConfigurationProblem(origin: origin, "\(path) \(words)")
  }

  fileprivate var missing: String {
    "\(path) is not set (\(help)): give \(flag), \(variable) or \(path) in the file"
  }
}
