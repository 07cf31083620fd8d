package import Faults

/// One thing that is wrong with the file, where it is, and what to write instead.
package struct CatalogProblem: Equatable, Sendable, CustomStringConvertible {
  package var path: String
  /// 0 when the file as a whole is meant.
  package var line: Int
  package var message: String
  package var hint: String?

  package var description: String {
    let place = line > 0 ? "\(path):\(line)" : path
    return "\(place): \(message)" + (hint.map { " (\($0))" } ?? "")
  }
}

/// All that is wrong, up to `CatalogLimits.problemsMax`.
package struct CatalogError: Error, Equatable, Sendable, FaultConvertible {
  package var problems: [CatalogProblem]

  package var fault: Fault {
    let first = problems.first?.description ?? "The file cannot be read."
    let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
    return Fault(
      .failedPrecondition, reason: "BAD_CATALOG", first + more,
      facts: ["problems": String(problems.count)])
  }
}
