import Glibc
import Telemetry
import TestSupport
import Testing

@Suite struct WallTimeTests {
  @Test(
    arguments: [
      (0, 0, "1970-01-01T00:00:00.000Z"), (-1, 999_999_999, "1969-12-31T23:59:59.999Z"),
      (951_782_399, 0, "2000-02-28T23:59:59.000Z"), (951_782_400, 0, "2000-02-29T00:00:00.000Z"),
      (951_868_800, 1_000_000, "2000-03-01T00:00:00.001Z"),
      (4_107_542_400, 0, "2100-03-01T00:00:00.000Z"),
      (1_795_244_110, 912_000_000, "2026-11-21T06:55:10.912Z"),
      (253_402_300_799, 0, "9999-12-31T23:59:59.000Z"),
    ] as [(Int64, Int32, String)])
  func `moments are printed in UTC`(seconds: Int64, nanoseconds: Int32, text: String) {
    #expect(WallTime(seconds: seconds, nanoseconds: nanoseconds).iso8601 == text)
  }

  private func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }

  @Test func `random moments agree with the C library`() {
    var random = SeededRandom("WallTimeTests")
    for _ in 0..<2000 {
      let seconds = Int64.random(in: -60_000_000_000...250_000_000_000, using: &random)
      var time = time_t(seconds)
      var parts = unsafe tm()
      unsafe gmtime_r(&time, &parts)
      let date = unsafe [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday]
      let clock = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map(two)
      let year = String(date[0])
      let expected =
        String(repeating: "0", count: 4 - year.count) + year + "-\(two(date[1]))-\(two(date[2]))T"
        + clock.joined(separator: ":") + ".000Z"
      #expect(WallTime(seconds: seconds).iso8601 == expected)
    }
  }

  @Test func `now is now`() {
    let now = WallTime.now()
    #expect(abs(now.seconds - Int64(time(nil))) <= 1)
  }
}
