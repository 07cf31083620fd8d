/// When a call of a model that has not begun to be answered is asked once more, by another way:
/// whichever begins first is believed, and both may have to be paid.
package struct HedgeRule: Equatable, Sendable {
  package enum After: Equatable, Sendable {
    case time(Duration)
    /// When so many of a hundred calls before it had begun to be answered.
    case percent(Int)
  }

  package static let timeRange = Duration.milliseconds(1)...Duration.seconds(600)
  package static let percentRange = 50...99

  package var after: After
  /// Calls of a hundred that may be asked twice.
  package var budgetPercent: Int64

  package init(after: After, budgetPercent: Int64) {
    self.after = after
    self.budgetPercent = budgetPercent
  }

  /// `95%`, `2s` or `500ms`.
  static func after(_ text: String) -> After? {
    for (unit, milliseconds) in [("ms", 1), ("s", 1_000)] {
      guard text.hasSuffix(unit), let count = Int(text.dropLast(unit.count)),
        (1...1_000_000).contains(count)
      else { continue }
      let time = Duration.milliseconds(count * milliseconds)
      return timeRange.contains(time) ? .time(time) : nil
    }
    return percent(text).flatMap { percentRange.contains($0) ? .percent($0) : nil }
  }

  static func percent(_ text: String) -> Int? {
    text.hasSuffix("%") ? Int(text.dropLast()) : nil
  }
}
