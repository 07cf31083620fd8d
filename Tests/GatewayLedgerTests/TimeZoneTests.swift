import Faults
import GatewayBudgets
import GatewayValues
import LedgerFile
import Machine
import Testing

@testable import GatewayLedger

/// Days and months of real zones, at their edges; the moments are from Python's zoneinfo.
@Suite struct TimeZoneTests {
  struct Day: Sendable, CustomStringConvertible {
    let zone: String
    /// Year, month, day there.
    let date: (Int64, Int64, Int64)
    /// Its first moment, and how many hours it has.
    let start: Int64
    let hours: Double

    var description: String { "\(zone) \(date)" }
  }

  static let days = [
    Day(zone: "UTC", date: (2026, 3, 29), start: 1_774_742_400, hours: 24),
    Day(zone: "Europe/Berlin", date: (2026, 3, 28), start: 1_774_652_400, hours: 24),
    Day(zone: "Europe/Berlin", date: (2026, 3, 29), start: 1_774_738_800, hours: 23),
    Day(zone: "Europe/Berlin", date: (2026, 10, 25), start: 1_792_879_200, hours: 25),
    Day(zone: "America/New_York", date: (2026, 3, 8), start: 1_772_946_000, hours: 23),
    Day(zone: "America/New_York", date: (2026, 11, 1), start: 1_793_505_600, hours: 25),
    Day(zone: "Australia/Lord_Howe", date: (2026, 4, 5), start: 1_775_307_600, hours: 24.5),
    Day(zone: "Australia/Lord_Howe", date: (2026, 10, 4), start: 1_791_034_200, hours: 23.5),
    Day(zone: "Asia/Tokyo", date: (2026, 3, 29), start: 1_774_710_000, hours: 24),
    // Beyond the file's table, by the rule at its end.
    Day(zone: "Europe/Berlin", date: (2050, 3, 27), start: 2_531_948_400, hours: 23),
    Day(zone: "America/New_York", date: (2050, 11, 6), start: 2_551_320_000, hours: 25),
  ]

  @Test(arguments: days)
  func `a day begins and ends with its zone's midnight`(_ day: Day) throws {
    let zone = try TimeZoneRules(named: day.zone)
    let number = CivilDate(year: day.date.0, month: day.date.1, day: day.date.2).number
    let end = day.start + Int64(day.hours * 3_600)
    #expect(zone.start(ofDay: number) == day.start)
    #expect(zone.start(ofDay: number + 1) == end)
    let window = BudgetWindow(start: day.start * 1_000, end: end * 1_000)
    for moment in [window.start, window.start + 1, window.end - 1, (window.start + window.end) / 2]
    {
      #expect(zone.window(of: .day, atMilliseconds: moment) == window)
    }
    #expect(zone.window(of: .day, atMilliseconds: window.start - 1).end == window.start)
    #expect(zone.window(of: .day, atMilliseconds: window.end).start == window.end)
  }

  @Test func `a month ends with its last day, in leap years too`() throws {
    let berlin = try TimeZoneRules(named: "Europe/Berlin")
    // 2028-02-29T22:59:59.999Z is the last moment of February there.
    let last: Int64 = 1_835_477_999_999
    let window = berlin.window(of: .month, atMilliseconds: last)
    #expect(window.end == last + 1)
    #expect((window.end - window.start) == 29 * 86_400_000)
    let march = berlin.window(of: .month, atMilliseconds: last + 1)
    // Of March an hour is missing.
    #expect(march.start == last + 1 && march.end - march.start == (31 * 24 - 1) * 3_600_000)
    #expect(TimeZoneRules.utc.window(of: .total, atMilliseconds: last) == .always)
  }

  @Test func `windows follow on each other without a gap, in every zone and through every change`()
    throws
  {
    for name in [
      "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana",
      "Asia/Beirut", "Africa/Casablanca", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu",
      "America/Sao_Paulo", "Antarctica/Troll", "Asia/Tehran",
    ] {
      let zone = try TimeZoneRules(named: name)
      for period in [BudgetPeriod.day, .month] {
        var moment: Int64 = 1_293_840_000_000
        while moment < 1_483_228_800_000 {
          let window = zone.window(of: period, atMilliseconds: moment)
          #expect(window.contains(moment) && window.end > window.start, "\(name) \(moment)")
          let next = zone.window(of: period, atMilliseconds: window.end)
          #expect(next.start == window.end, "\(name) \(moment)")
          moment = window.end
        }
      }
    }
  }

  @Test(arguments: ["Mars/Olympus", "../etc/passwd", "/etc/passwd", "", "Europe", "zone.tab"])
  func `a zone that is not there is refused`(_ name: String) {
    #expect(throws: Fault.self) { try TimeZoneRules(named: name) }
  }

  @Test func `damaged zone files are refused and never trap`() throws {
    let bytes = try Files.read("\(TimeZoneRules.folder)/Europe/Berlin")
    for count in 0..<bytes.count { _ = TimeZoneRules(Array(bytes.prefix(count))) }
    for place in stride(from: 0, to: bytes.count, by: 3) {
      var damaged = bytes
      damaged[place] ^= 0xFF
      let zone = TimeZoneRules(damaged)
      _ = zone?.window(of: .day, atMilliseconds: 1_774_742_400_000)
    }
    let isRefused = TimeZoneRules([]) == nil
    #expect(isRefused)
  }

  @Test func `dates and day numbers say the same`() {
    for number in stride(from: Int64(-800_000), to: 800_000, by: 13) {
      #expect(CivilDate(day: number).number == number)
    }
    #expect(CivilDate(day: 0) == CivilDate(year: 1970, month: 1, day: 1))
    #expect(CivilDate(day: 11_016) == CivilDate(year: 2000, month: 2, day: 29))
  }
}
