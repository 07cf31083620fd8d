import Configuration
import JSON

/// `--show-configuration`: what a service would run with, a JSON value a line, without running.
enum ConfigurationListing {
  static let flag = "--show-configuration"

  /// Every setting with its value and origin, or every problem; and the exit code.
  static func make(
    _ blueprint: ServiceBlueprint, _ sources: ConfigurationSources
  ) -> (text: String, code: Int32) {
    do {
      let store = try ConfigurationStore(
        schema: HostSettings.schema(of: blueprint), sources: sources)
      let values = store.current
      var lines = values.entries.map { entry -> JSONValue in
        [
          "key": .string(entry.definition.path), "value": .string(entry.value.shown),
          "origin": .string(entry.origin.description),
          "reloadable": .bool(entry.definition.isReloadable),
        ]
      }
      lines += values.warnings.map { ["warning": .string($0.description)] }
      return (text(lines), 0)
    } catch {
      return (text(error.problems.map { ["problem": .string($0.description)] }), 2)
    }
  }

  private static func text(_ lines: [JSONValue]) -> String {
    lines.map { $0.text() + "\n" }.joined()
  }
}
