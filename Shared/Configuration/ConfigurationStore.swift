import Locking

/// The configuration in use, replaced as a whole when the sources are read again.
///
/// Whoever needs one consistent picture takes `current` once and keeps it for that piece of work.
package final class ConfigurationStore: Sendable {
  private let reader: ConfigurationReader
  private let sources: ConfigurationSources
  private let values: Lock<ConfigurationValues>
  /// Held while files are read, so that of two reloads the later one wins.
  private let reloading = Lock(())

  /// Reads the sources for the first time.
  package init(
    schema: ConfigurationSchema, sources: ConfigurationSources
  ) throws(ConfigurationError) {
    reader = ConfigurationReader(schema: schema)
    self.sources = sources
    values = Lock(try reader.read(sources))
  }

  package var current: ConfigurationValues { values.withLock { $0 } }

  /// Reads file and secrets again. Everything is checked before anything is used: on an error
  /// the current values stay as they are. Blocks on files, so it does not belong on a loop.
  package func reload() throws(ConfigurationError) -> ConfigurationReload {
    try reloading.withLock { (_) throws(ConfigurationError) -> ConfigurationReload in
      let next = try reader.read(sources)
      let (merged, outcome) = current.reloaded(from: next)
      values.withLock { $0 = merged }
      return outcome
    }
  }
}
