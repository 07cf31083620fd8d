/// A command line that has been understood.
package struct Invocation: Equatable, Sendable {
  package let verb: String
  /// The values of each flag in order; a flag without a value has an empty one.
  package var flags: [String: [String]] = [:]
  package var operands: [String] = []

  package init(verb: String, flags: [String: [String]] = [:], operands: [String] = []) {
    self.verb = verb
    self.flags = flags
    self.operands = operands
  }

  package func has(_ flag: String) -> Bool { flags[flag] != nil }

  /// The last value given counts.
  package func value(_ flag: String) -> String? { flags[flag]?.last }

  package func values(_ flag: String) -> [String] { flags[flag] ?? [] }

  package var wantsJSON: Bool { has("json") }
}

/// A command line that cannot be understood: exit code 2, with how it is written.
package struct UsageError: Error, Equatable, Sendable {
  package let message: String
  package let hint: String?
  /// Whose usage to show; nil for the whole tool's.
  package let verb: String?

  package init(_ message: String, hint: String? = nil, verb: String? = nil) {
    self.message = message
    self.hint = hint
    self.verb = verb
  }
}
