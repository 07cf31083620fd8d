package import Faults

/// Everything that is wrong with a compose file, up to `ComposeLimits.problemsMax`.
package struct ComposeError: Error, Equatable, Sendable {
  package var problems: [ComposeProblem]

  package init(_ problems: [ComposeProblem]) {
    self.problems = problems
  }
}

/// One thing that is wrong, where it is, and what to write instead.
package struct ComposeProblem: Equatable, Sendable {
  package var path: String
  /// 0 when the file as a whole is meant.
  package var line: Int
  package var message: String
  package var hint: String?

  package init(path: String, line: Int, message: String, hint: String? = nil) {
    self.path = path
    self.line = line
    self.message = message
    self.hint = hint
  }

  /// `compose.yaml:12`.
  package var place: String { line > 0 ? "\(path):\(line)" : path }
}

extension ComposeProblem: CustomStringConvertible {
  package var description: String {
    "\(place): \(message)" + (hint.map { " (\($0))" } ?? "")
  }
}

extension ComposeError: FaultConvertible {
  package var fault: Fault {
    let first = problems.first
    let rest = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
    return Fault(
      .invalidArgument, reason: "COMPOSE_FILE",
      (first.map { "\($0.place): \($0.message)" } ?? "The compose file cannot be used.") + rest,
      hint: first?.hint)
  }
}
