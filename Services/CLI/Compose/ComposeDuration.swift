/// `1m30s`, `500ms`: how compose files write a time.
package enum ComposeDuration {
  private static let units: [(name: String, nanoseconds: Int64)] = [
    ("ms", 1_000_000), ("us", 1_000), ("ns", 1), ("h", 3_600_000_000_000),
    ("m", 60_000_000_000), ("s", 1_000_000_000),
  ]

  /// Longer than any process of ours is waited for.
  private static let nanosecondsMax: Int64 = 30 * 24 * 3_600_000_000_000

  /// nil for anything that is not one or more numbers with a unit each, or is too long.
  package static func parse(_ text: String) -> Duration? {
    var rest = Substring(text)
    var total: Int64 = 0
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest[digits.endIndex...]
      guard let number = Double(digits), number.isFinite,
        let unit = units.first(where: { rest.hasPrefix($0.name) })
      else { return nil }
      rest = rest.dropFirst(unit.name.count)
      let part = number * Double(unit.nanoseconds)
      guard part >= 0, part <= Double(nanosecondsMax) else { return nil }
      total += Int64(part)
      guard total <= nanosecondsMax else { return nil }
    }
    return .nanoseconds(total)
  }
}
