import Glibc

/// A moment in UTC, and how logs print it. No calendar beyond what that takes.
package struct WallTime: Equatable, Sendable {
  /// Since 1970, without leap seconds.
  package var seconds: Int64
  package var nanoseconds: Int32

  package init(seconds: Int64, nanoseconds: Int32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  package static func now() -> WallTime {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
  }

  /// `2026-11-21T06:55:10.912Z`.
  package var iso8601: String {
    String(decoding: iso8601Bytes, as: UTF8.self)
  }

  var iso8601Bytes: [UInt8] {
    let (year, month, day) = civilDate
    var text: [UInt8] = []
    text.reserveCapacity(24)
    text.appendDecimal(year, width: 4)
    text.append(UInt8(ascii: "-"))
    text.appendDecimal(month, width: 2)
    text.append(UInt8(ascii: "-"))
    text.appendDecimal(day, width: 2)
    text.append(UInt8(ascii: "T"))
    text += timeOfDayBytes
    text.append(UInt8(ascii: "Z"))
    return text
  }

  /// `06:55:10.912`.
  var timeOfDayBytes: [UInt8] {
    let second = seconds.modulo(86_400)
    var text: [UInt8] = []
    text.reserveCapacity(12)
    text.appendDecimal(second / 3600, width: 2)
    text.append(UInt8(ascii: ":"))
    text.appendDecimal(second / 60 % 60, width: 2)
    text.append(UInt8(ascii: ":"))
    text.appendDecimal(second % 60, width: 2)
    text.append(UInt8(ascii: "."))
    text.appendDecimal(Int64(nanoseconds) / 1_000_000, width: 3)
    return text
  }

  /// Days to year, month, day in eras of 400 years that begin on 1 March, so that the leap day
  /// is the last of its year.
  private var civilDate: (year: Int64, month: Int64, day: Int64) {
    let daysPerEra: Int64 = 146_097
    let days = (seconds - seconds.modulo(86_400)) / 86_400 + 719_468
    let dayOfEra = days.modulo(daysPerEra)
    let era = (days - dayOfEra) / daysPerEra
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / (daysPerEra - 1)) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }
}

extension Int64 {
  /// The remainder that is never negative.
  fileprivate func modulo(_ divisor: Int64) -> Int64 {
    let rest = self % divisor
    return rest < 0 ? rest + divisor : rest
  }
}

extension [UInt8] {
  /// The digits of a number that is not negative, with zeros in front up to `width`.
  fileprivate mutating func appendDecimal(_ value: Int64, width: Int) {
    let digits = String(Swift.max(0, value)).utf8
    for _ in 0..<Swift.max(0, width - digits.count) { append(UInt8(ascii: "0")) }
    append(contentsOf: digits)
  }
}

/// What a log asks for the time; tests turn the hands themselves.
package struct LogClock: Sendable {
  let wall: @Sendable () -> WallTime
  /// Since some fixed moment, never backwards.
  let monotonic: @Sendable () -> Duration

  package init(
    wall: @escaping @Sendable () -> WallTime, monotonic: @escaping @Sendable () -> Duration
  ) {
    self.wall = wall
    self.monotonic = monotonic
  }

  package static let system = LogClock(wall: WallTime.now) {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
}
