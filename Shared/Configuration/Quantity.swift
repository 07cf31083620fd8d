/// Durations and sizes as people write them, read exactly and without rounding.
package enum Quantity {
  private static let durationUnits: [(name: String, nanoseconds: Int64)] = [
    ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
    ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000), ("µs", 1000), ("ns", 1),
  ]

  private static let byteUnits: [(name: String, bytes: Int64)] = [
    ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
  ]

  /// `250ms`, `1.5s`, `1m30s`; nil for anything else, a number without a unit included.
  package static func duration(_ text: String) -> Duration? {
    var total: Int64 = 0
    var rest = text[...]
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      guard let (number, unit) = part(&rest),
        let scale = durationUnits.first(where: { $0.name == unit })?.nanoseconds,
        let amount = scaled(number, by: scale)
      else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(amount)
      guard !overflow else { return nil }
      total = sum
    }
    return .nanoseconds(total)
  }

  /// `4096`, `64KiB`, `1.5MiB`; nil for anything else, a fraction of a byte included.
  package static func bytes(_ text: String) -> Int64? {
    var rest = text[...]
    guard let (number, unit) = part(&rest), rest.isEmpty else { return nil }
    if unit.isEmpty { return Int64(number) }
    guard let scale = byteUnits.first(where: { $0.name == unit })?.bytes else { return nil }
    return scaled(number, by: scale)
  }

  /// The shortest exact form: `1m30s`, `250ms`, `0s`.
  package static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, sumOverflow) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    guard duration >= .zero, !overflow, !sumOverflow else { return duration.description }
    var rest = sum
    if rest == 0 { return "0s" }
    var text = ""
    for (name, scale) in durationUnits where name != "µs" && rest >= scale {
      text += "\(rest / scale)\(name)"
      rest %= scale
    }
    return text
  }

  /// The largest unit without a remainder: `64MiB`, `1000B`.
  package static func bytesText(_ bytes: Int64) -> String {
    guard bytes != 0,
      let unit = byteUnits[1...4].last(where: { bytes.isMultiple(of: $0.bytes) })
    else { return "\(bytes)B" }
    return "\(bytes / unit.bytes)\(unit.name)"
  }

  /// Takes one number and the letters behind it.
  private static func part(_ rest: inout Substring) -> (number: Substring, unit: Substring)? {
    let number = rest.prefix { $0 == "." || ("0"..."9").contains($0) && $0.isASCII }
    guard !number.isEmpty else { return nil }
    rest = rest.dropFirst(number.count)
    let unit = rest.prefix(while: \.isLetter)
    rest = rest.dropFirst(unit.count)
    return (number, unit)
  }

  /// `1.5` by 1000 is 1500; nil when it does not come out whole or does not fit.
  private static func scaled(_ number: Substring, by scale: Int64) -> Int64? {
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = Int64(parts[0]) else { return nil }
    let (product, overflow) = whole.multipliedReportingOverflow(by: scale)
    guard !overflow else { return nil }
    guard parts.count == 2 else { return product }
    guard !parts[1].isEmpty, parts[1].utf8.count <= 9, let fraction = Int64(parts[1]) else {
      return nil
    }
    var power: Int64 = 1
    for _ in parts[1].utf8 { power *= 10 }
    let (dividend, tooBig) = fraction.multipliedReportingOverflow(by: scale)
    guard !tooBig, dividend.isMultiple(of: power) else { return nil }
    let (sum, sumOverflow) = product.addingReportingOverflow(dividend / power)
    return sumOverflow ? nil : sum
  }
}
