/// When a provider says that asking again may work, in every form in which it is said.
package enum RetryAfter {
  /// `retry-after-ms`, then `retry-after` as seconds (whole or not) or as an HTTP date; nil
  /// without one, or where it says nothing that can be meant.
  package static func read(
    _ headers: some ReplyHeaders, nowMilliseconds: Int64
  ) -> Duration? {
    if let text = headers.value(of: "retry-after-ms"), let count = seconds(text) {
      return bounded(.microseconds(Int64(count * 1_000)))
    }
    guard let text = headers.value(of: "retry-after") else { return nil }
    if let count = seconds(text) { return bounded(.milliseconds(Int64(count * 1_000))) }
    guard let moment = HTTPDate.milliseconds(text) else { return nil }
    // A moment that is past says: now.
    return bounded(.milliseconds(max(0, moment - nowMilliseconds)))
  }

  /// Of a count of something; nil unless it is finite, not below zero, and plausible.
  private static func seconds(_ text: String) -> Double? {
    let trimmed = text.trimmingSpaces()
    guard trimmed.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || (48...57).contains($0) }),
      let value = Double(trimmed), value.isFinite, value < 1e12
    else { return nil }
    return value
  }

  private static func bounded(_ duration: Duration) -> Duration {
    min(duration, ProviderLimits.retryAfterMax)
  }
}

extension String {
  func trimmingSpaces() -> String {
    var text = utf8[...]
    while text.first == 0x20 || text.first == 0x09 { text.removeFirst() }
    while text.last == 0x20 || text.last == 0x09 { text.removeLast() }
    return String(text) ?? ""
  }
}
