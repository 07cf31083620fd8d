import Machine

/// Where values come from, from the strongest: flags, variables, a file.
package struct ConfigurationSources: Sendable {
  /// Without the program's name.
  package var arguments: [String]
  package var environment: [String: String]
  /// Read when it is there and neither `--config` nor `ASSAY_CONFIG` names another.
  package var defaultFile: String?

  package init(
    arguments: [String] = [], environment: [String: String] = [:], defaultFile: String? = nil
  ) {
    self.arguments = arguments
    self.environment = environment
    self.defaultFile = defaultFile
  }

  /// What this process was started with.
  package static func process(defaultFile: String? = "assay.yaml") -> ConfigurationSources {
    ConfigurationSources(
      arguments: Array(CommandLine.arguments.dropFirst()),
      environment: EnvironmentVariables.current, defaultFile: defaultFile)
  }
}

/// How files are read: tests and fuzzers put their own here.
struct ConfigurationFiles: Sendable {
  /// The bytes of a file, or nil when there is none.
  let read: @Sendable (String) throws(MachineError) -> [UInt8]?
  let readSecret: @Sendable (String) throws(SettingRefusal) -> SecretFile

  /// The real ones; `environment` says where systemd put credentials.
  static func system(environment: [String: String]) -> ConfigurationFiles {
    let credentials = environment["CREDENTIALS_DIRECTORY"]
    return ConfigurationFiles(
      read: { (path) throws(MachineError) -> [UInt8]? in
        do throws(MachineError) {
          return try Files.read(path, bytesMax: ConfigurationLimits.fileBytesMax)
        } catch {
          if error.isAbsence { return nil }
          throw error
        }
      },
      readSecret: { (path) throws(SettingRefusal) -> SecretFile in
        try SecretFile(reading: path, credentials: credentials)
      })
  }

  /// None at all.
  static let none = ConfigurationFiles(
    read: { (_) throws(MachineError) -> [UInt8]? in nil },
    readSecret: { (_) throws(SettingRefusal) -> SecretFile in
      throw SettingRefusal("names a file, and no files are read here")
    })
}
