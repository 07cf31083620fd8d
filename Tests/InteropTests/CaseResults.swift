import JSON
import TestSupport

/// What a client printed: a line of JSON for each case that it ran.
struct CaseResults: Sendable {
  /// By the case's name.
  let byName: [String: JSONValue]
  let output: ChildTool.Output

  init(_ output: ChildTool.Output, naming key: String) throws {
    var found: [String: JSONValue] = [:]
    for line in output.lines {
      guard let object = Self.object(line), let name = object[key]?.stringValue else { continue }
      found[name] = object
    }
    guard !found.isEmpty else {
      throw ChildTool.Failure(description: "no results\n\(output.lastWords)")
    }
    byName = found
    self.output = output
  }

  subscript(name: String) -> JSONValue? { byName[name] }

  func isOK(_ name: String) -> Bool { byName[name]?["ok"]?.boolValue == true }

  func milliseconds(_ name: String) -> Double { byName[name]?["ms"]?.doubleValue ?? .nan }

  /// What is said about a case that is not as it should be.
  func complaint(_ name: String) -> String { byName[name]?.text() ?? "\(name) was not run" }

  static func object(_ line: String) -> JSONValue? {
    guard line.hasPrefix("{") else { return nil }
    return try? JSONValue(parsing: line)
  }
}
