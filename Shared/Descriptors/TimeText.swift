/// Timestamps and durations as proto3's JSON writes them: RFC 3339, and seconds with an `s`.
package enum TimeText {
  private static let secondsPerDay: Int64 = 86_400
  /// Years 1 to 9999.
  private static let timestampRange: ClosedRange<Int64> = -62_135_596_800...253_402_300_799
  private static let durationMax: Int64 = 315_576_000_000

  /// `2023-11-14T22:13:20.000000005Z`; nil outside the years 1 to 9999.
  package static func timestamp(seconds: Int64, nanos: Int32) -> String? {
    guard timestampRange.contains(seconds), (0...999_999_999).contains(nanos) else { return nil }
    var days = seconds / secondsPerDay
    var ofDay = seconds % secondsPerDay
    if ofDay < 0 {
      ofDay += secondsPerDay
      days -= 1
    }
    let (year, month, day) = date(days)
    let clock = [ofDay / 3600, ofDay / 60 % 60, ofDay % 60].map { padded($0, 2) }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
      + "T\(clock.joined(separator: ":"))\(fraction(nanos))Z"
  }

  /// Seconds and nanoseconds since 1970 of an RFC 3339 time with `Z` or an offset.
  package static func timestamp(_ text: String) -> (seconds: Int64, nanos: Int32)? {
    var scanner = Scanner(text)
    guard let year = scanner.digits(4), scanner.take("-"), let month = scanner.digits(2),
      scanner.take("-"), let day = scanner.digits(2), scanner.take("T") || scanner.take("t"),
      let hour = scanner.digits(2), scanner.take(":"), let minute = scanner.digits(2),
      scanner.take(":"), let second = scanner.digits(2), let nanos = scanner.fraction(),
      let offset = scanner.offset(), scanner.isAtEnd,
      (1...12).contains(month), day >= 1, day <= daysInMonth(month, of: year),
      hour < 24, minute < 60, second < 60
    else { return nil }
    let seconds =
      days(year, month, day) * secondsPerDay + hour * 3600 + minute * 60 + second - offset
    return timestampRange.contains(seconds) ? (seconds, nanos) : nil
  }

  /// `-1.500s`; nil beyond ±10,000 years or when the signs differ.
  package static func duration(seconds: Int64, nanos: Int32) -> String? {
    guard seconds.magnitude <= durationMax.magnitude, nanos.magnitude <= 999_999_999,
      seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0)
    else { return nil }
    let sign = seconds < 0 || nanos < 0 ? "-" : ""
    return "\(sign)\(seconds.magnitude)\(fraction(Int32(nanos.magnitude)))s"
  }

  /// Seconds and nanoseconds of `1.5s`.
  package static func duration(_ text: String) -> (seconds: Int64, nanos: Int32)? {
    var scanner = Scanner(text)
    let isNegative = scanner.take("-")
    guard let seconds = scanner.digits(), seconds <= durationMax, let nanos = scanner.fraction(),
      scanner.take("s"), scanner.isAtEnd
    else { return nil }
    return isNegative ? (-seconds, -nanos) : (seconds, nanos)
  }

  /// Nothing, or 3, 6 or 9 digits behind a point.
  private static func fraction(_ nanos: Int32) -> String {
    if nanos == 0 { return "" }
    if nanos % 1_000_000 == 0 { return "." + padded(Int64(nanos / 1_000_000), 3) }
    if nanos % 1_000 == 0 { return "." + padded(Int64(nanos / 1_000), 6) }
    return "." + padded(Int64(nanos), 9)
  }

  private static func padded(_ value: Int64, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}

// The proleptic Gregorian calendar, counted in days from 1970-01-01.
extension TimeText {
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    // Years begin in March, so that the leap day is the last.
    let shifted = month > 2 ? year : year - 1
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let ofEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = ofEra * 365 + ofEra / 4 - ofEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let ofEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * ofEra + ofEra / 4 - ofEra / 100)
    let fromMarch = (5 * dayOfYear + 2) / 153
    let month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
    return (
      ofEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * fromMarch + 2) / 5 + 1
    )
  }

  private static func daysInMonth(_ month: Int64, of year: Int64) -> Int64 {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return switch month {
    case 2: isLeap ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

extension TimeText {
  /// Takes one piece after the other from the front.
  private struct Scanner {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = Substring(text).utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard rest.first == UInt8(ascii: character) else { return false }
      rest.removeFirst()
      return true
    }

    /// Exactly `count` digits, or as many as there are, up to 18.
    mutating func digits(_ count: Int? = nil) -> Int64? {
      let taken = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      let wanted = taken.prefix(count ?? 19)
      guard wanted.count == count ?? taken.count, (1...18).contains(wanted.count) else {
        return nil
      }
      rest = rest.dropFirst(wanted.count)
      return wanted.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    /// Up to nine digits behind a point, as nanoseconds; 0 without a point.
    mutating func fraction() -> Int32? {
      guard take(".") else { return 0 }
      let before = rest.count
      guard let value = digits(), case let count = before - rest.count, count <= 9 else {
        return nil
      }
      return Int32((count..<9).reduce(value) { scaled, _ in scaled * 10 })
    }

    /// `Z`, or `+01:30` in seconds.
    mutating func offset() -> Int64? {
      if take("Z") || take("z") { return 0 }
      let isNegative = take("-")
      guard isNegative || take("+"), let hours = digits(2), take(":"), let minutes = digits(2),
        hours < 24, minutes < 60
      else { return nil }
      return (isNegative ? -1 : 1) * (hours * 3600 + minutes * 60)
    }
  }
}
