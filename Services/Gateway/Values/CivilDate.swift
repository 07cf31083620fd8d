/// A date of the Gregorian calendar, by the count of its days since 1970.
package struct CivilDate: Hashable, Sendable {
  package static let daySeconds: Int64 = 86_400

  package let year: Int64
  package let month: Int64
  package let day: Int64

  package init(year: Int64, month: Int64, day: Int64) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// Years that begin in March, so that the leap day ends one: 400 of them are 146,097 days.
  package init(day number: Int64) {
    let shifted = number + 719_468
    let era = Self.floor(shifted, by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// Days since 1970.
  package var number: Int64 {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = Self.floor(shiftedYear, by: 400)
    let yearOfEra = shiftedYear - era * 400
    let shiftedMonth = month > 2 ? month - 3 : month + 9
    let dayOfYear = (153 * shiftedMonth + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// The first day of this month and of the next.
  package var monthBounds: (first: Int64, next: Int64) {
    let next = month == 12 ? (year + 1, 1) : (year, month + 1)
    return (
      CivilDate(year: year, month: month, day: 1).number,
      CivilDate(year: next.0, month: next.1, day: 1).number
    )
  }

  package static func floor(_ value: Int64, by divisor: Int64) -> Int64 {
    value >= 0 ? value / divisor : -((divisor - 1 - value) / divisor)
  }
}
