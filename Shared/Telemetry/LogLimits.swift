/// Bounds on what logging may write.
package struct LogLimits: Equatable, Sendable {
  /// Bytes of one value; the rest becomes "…".
  package var valueBytesMax: Int
  /// Bytes of one line with its newline; fields that do not fit are left out and `truncated` is
  /// set. A pipe takes this much in one piece, so lines of several processes never mix.
  package var lineBytesMax: Int
  /// Records with the same message in one window; the others are only counted.
  package var repeatsPerWindowMax: Int
  package var window: Duration
  /// Messages that are told apart; beyond it all others share one count.
  package var messagesMax: Int

  package init(
    valueBytesMax: Int = 512, lineBytesMax: Int = 4096, repeatsPerWindowMax: Int = 30,
    window: Duration = .seconds(10), messagesMax: Int = 1024
  ) {
    self.valueBytesMax = valueBytesMax
    self.lineBytesMax = max(lineBytesMax, Self.lineBytesMin)
    self.repeatsPerWindowMax = repeatsPerWindowMax
    self.window = window
    self.messagesMax = messagesMax
  }

  /// Room for time, level and message, which every line has.
  package static let lineBytesMin = 512
}
