import Compose
package import Console

/// A flag's value as a time.
package enum TimeArgument {
  /// nil when the flag is not there.
  package static func parse(_ invocation: Invocation, _ flag: String) throws(UsageError)
    -> Duration?
  {
    guard let text = invocation.value(flag) else { return nil }
    guard let duration = ComposeDuration.parse(text), duration > .zero else {
      throw UsageError(
        "--\(flag) takes a time, not \(text)", hint: "5s, 500ms, 1m30s", verb: invocation.verb)
    }
    return duration
  }
}
