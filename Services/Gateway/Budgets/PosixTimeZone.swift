import GatewayValues

/// A zone by its rule, as the last line of a TZif file has it: `CET-1CEST,M3.5.0,M10.5.0/3`.
package struct PosixTimeZone: Sendable {
  /// When clocks change: the week of a month and a weekday, or a day of the year.
  package enum ChangeDay: Hashable, Sendable {
    case weekday(month: Int64, week: Int64, weekday: Int64)
    /// From 1, never counting the leap day.
    case julian(Int64)
    /// From 0, counting it.
    case ordinal(Int64)
  }

  private struct Change: Hashable, Sendable {
    let day: ChangeDay
    /// After midnight by the clock that holds until then; may lie days off.
    let seconds: Int64
  }

  private let standard: Int64
  private var summer: (offset: Int64, begins: Change, ends: Change)?

  package init?(_ text: String) {
    var reader = Reader(rest: Array(text.utf8)[...])
    guard reader.name(), let standard = reader.time() else { return nil }
    self.standard = -standard
    guard !reader.rest.isEmpty else { return }
    guard reader.name() else { return nil }
    let offset = reader.rest.first == UInt8(ascii: ",") ? self.standard + 3_600 : nil
    guard let offset = offset ?? reader.time().map({ -$0 }), let begins = reader.change(),
      let ends = reader.change(), reader.rest.isEmpty
    else { return nil }
    summer = (offset, begins, ends)
  }

  /// The offset at a moment, and until when it holds.
  package func span(at moment: Int64) -> (offset: Int64, until: Int64) {
    guard let summer else { return (standard, .max) }
    let year = CivilDate(day: CivilDate.floor(moment + standard, by: CivilDate.daySeconds)).year
    var changes: [(at: Int64, offset: Int64)] = []
    for year in year - 1...year + 1 {
      changes.append((Self.seconds(summer.begins, in: year) - standard, summer.offset))
      changes.append((Self.seconds(summer.ends, in: year) - summer.offset, standard))
    }
    changes.sort { $0.at < $1.at }
    let next = changes.firstIndex { $0.at > moment } ?? changes.endIndex
    let offset = next > 0 ? changes[next - 1].offset : standard
    return (offset, next < changes.endIndex ? changes[next].at : moment + CivilDate.daySeconds)
  }

  private static func seconds(_ change: Change, in year: Int64) -> Int64 {
    let first = CivilDate(year: year, month: 1, day: 1).number
    let day: Int64
    switch change.day {
    case .ordinal(let count): day = first + count
    case .julian(let count):
      let march = CivilDate(year: year, month: 3, day: 1).number
      day = count < 60 ? first + count - 1 : march + count - 60
    case .weekday(let month, let week, let weekday):
      let bounds = CivilDate(year: year, month: month, day: 1).monthBounds
      // The first of January 1970 was a Thursday.
      let firstWeekday = (bounds.first % 7 + 11) % 7
      var found = bounds.first + (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
      while found >= bounds.next { found -= 7 }
      day = found
    }
    return day * CivilDate.daySeconds + change.seconds
  }

  private struct Reader {
    var rest: ArraySlice<UInt8>

    mutating func name() -> Bool {
      let start = rest.count
      if rest.first == UInt8(ascii: "<") {
        guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
        rest = rest[(end + 1)...]
      } else {
        rest = rest.drop { (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) }
      }
      return rest.count < start
    }

    mutating func take(_ character: Character) -> Bool {
      guard let byte = character.asciiValue, rest.first == byte else { return false }
      rest.removeFirst()
      return true
    }

    mutating func number(_ range: ClosedRange<Int64>) -> Int64? {
      let digits = rest.prefix(3).prefix { (0x30...0x39).contains($0) }
      guard !digits.isEmpty else { return nil }
      rest = rest.dropFirst(digits.count)
      let value = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
      return range.contains(value) ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time() -> Int64? {
      let sign: Int64 = take("-") ? -1 : 1
      if sign == 1 { _ = take("+") }
      guard var seconds = number(0...167).map({ $0 * 3_600 }) else { return nil }
      for unit: Int64 in [60, 1] where take(":") {
        guard let part = number(0...59) else { return nil }
        seconds += part * unit
      }
      return sign * seconds
    }

    mutating func change() -> Change? {
      guard take(","), let day = changeDay() else { return nil }
      guard take("/") else { return Change(day: day, seconds: 7_200) }
      return time().map { Change(day: day, seconds: $0) }
    }

    private mutating func changeDay() -> ChangeDay? {
      if take("M") {
        guard let month = number(1...12), take("."), let week = number(1...5), take("."),
          let weekday = number(0...6)
        else { return nil }
        return .weekday(month: month, week: week, weekday: weekday)
      }
      if take("J") { return number(1...365).map { .julian($0) } }
      return number(0...365).map { .ordinal($0) }
    }
  }
}
