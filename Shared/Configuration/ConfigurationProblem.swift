package import Faults

/// One thing that is wrong, or worth knowing, and where it stands.
package struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
  /// Nil when it stands nowhere: a setting that is missing.
  package let origin: SettingOrigin?
  package let message: String

  package init(origin: SettingOrigin?, _ message: String) {
    self.origin = origin
    self.message = message
  }

  /// `assay.yaml:3: unknown setting 'mesh.lisen'; did you mean 'mesh.listen'?`
  ///
  /// One line, whatever a file's names and values hold: it goes to terminals and logs.
  package var description: String { escaped(origin.map { "\($0): \(message)" } ?? message) }

  private func escaped(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { line, scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        line += scalar.escaped(asASCII: true)
      default: line.unicodeScalars.append(scalar)
      }
    }
  }
}

/// Everything that keeps a configuration from being used, in one error.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// At most `ConfigurationLimits.problemsMax`.
  package let problems: [ConfigurationProblem]
  /// Of all there were.
  package let problemCount: Int

  init(_ problems: [ConfigurationProblem]) {
    self.problems = Array(problems.prefix(ConfigurationLimits.problemsMax))
    problemCount = problems.count
  }

  /// A problem a line.
  package var description: String {
    var lines = problems.map(\.description)
    if problemCount > problems.count { lines.append("and \(problemCount - problems.count) more") }
    return lines.joined(separator: "\n")
  }
}

extension ConfigurationError: FaultConvertible {
  package var fault: Fault {
    Fault(
      .failedPrecondition, reason: "CONFIGURATION_INVALID",
      "The configuration has \(problemCount) problem\(problemCount == 1 ? "" : "s"): "
        + (problems.first?.description ?? ""),
      hint: "Correct it and run `assay config check`.")
  }
}
