import JSON

/// One thing `assay doctor` has looked at.
package struct Finding: Equatable, Sendable {
  package enum Level: String, Sendable {
    case ok = "OK"
    /// It works, and something could be better or will be missed.
    case warn = "WARN"
    /// The mesh will not run.
    case fail = "FAIL"
  }

  package let level: Level
  /// What was looked at, two words at most.
  package let subject: String
  /// What was found, one line.
  package let text: String
  /// What to do, one line; nil when there is nothing to do.
  package let remedy: String?

  package init(_ level: Level, _ subject: String, _ text: String, remedy: String? = nil) {
    self.level = level
    self.subject = subject
    self.text = text
    self.remedy = remedy
  }

  package static func ok(_ subject: String, _ text: String) -> Finding {
    Finding(.ok, subject, text)
  }

  var json: JSONValue {
    var object: JSONObject = [
      "level": .string(level.rawValue), "subject": .string(subject), "text": .string(text),
    ]
    if let remedy { object["remedy"] = .string(remedy) }
    return .object(object)
  }
}
