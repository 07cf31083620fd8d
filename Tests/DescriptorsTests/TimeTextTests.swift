import Descriptors
import TestSupport
import Testing

@Suite struct TimeTextTests {
  @Test(arguments: [
    (0, 0, "1970-01-01T00:00:00Z"),
    (1_700_000_000, 5, "2023-11-14T22:13:20.000000005Z"),
    (-1, 500_000_000, "1969-12-31T23:59:59.500Z"),
    (951_782_400, 1_000, "2000-02-29T00:00:00.000001Z"),
    (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
    (253_402_300_799, 999_999_999, "9999-12-31T23:59:59.999999999Z"),
    (-2_203_891_200, 0, "1900-03-01T00:00:00Z"),
  ])
  func `times are written and read`(seconds: Int64, nanos: Int32, text: String) throws {
    #expect(TimeText.timestamp(seconds: seconds, nanos: nanos) == text)
    let back = try #require(TimeText.timestamp(text))
    #expect(back.seconds == seconds)
    #expect(back.nanos == nanos)
  }

  @Test func `offsets and lower case are read`() {
    #expect(TimeText.timestamp("1970-01-01T01:30:00+01:30")?.seconds == 0)
    #expect(TimeText.timestamp("1969-12-31t23:00:00-01:00")?.seconds == 0)
    #expect(TimeText.timestamp("1970-01-01T00:00:00.5z")?.nanos == 500_000_000)
  }

  @Test(arguments: [
    "", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-00-01T00:00:00Z",
    "1970-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "1970-04-31T00:00:00Z", "1970-01-01T24:00:00Z",
    "1970-01-01T00:60:00Z", "1970-01-01T00:00:61Z", "1970-01-01T00:00:00.Z", "0000-01-01T00:00:00Z",
    "1970-01-01T00:00:00.0000000000Z", "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00Zx",
    "19700-01-01T00:00:00Z", "1970-1-01T00:00:00Z", "0001-01-01T00:00:00+00:01",
    "１970-01-01T00:00:00Z",
  ])
  func `what is no time is refused`(text: String) {
    #expect(TimeText.timestamp(text) == nil)
  }

  @Test func `times out of range have no text`() {
    #expect(TimeText.timestamp(seconds: 253_402_300_800, nanos: 0) == nil)
    #expect(TimeText.timestamp(seconds: .min, nanos: 0) == nil)
    #expect(TimeText.timestamp(seconds: 0, nanos: -1) == nil)
    #expect(TimeText.timestamp(seconds: 0, nanos: 1_000_000_000) == nil)
  }

  @Test(arguments: [
    (0, 0, "0s"), (1, 500_000_000, "1.500s"), (-1, -1, "-1.000000001s"), (0, -2_000, "-0.000002s"),
    (315_576_000_000, 0, "315576000000s"),
  ])
  func `durations are written and read`(seconds: Int64, nanos: Int32, text: String) throws {
    #expect(TimeText.duration(seconds: seconds, nanos: nanos) == text)
    let back = try #require(TimeText.duration(text))
    #expect(back.seconds == seconds)
    #expect(back.nanos == nanos)
  }

  @Test(arguments: [
    "", "1", "s", "-s", "1.s", ".5s", "1.0000000000s", "315576000001s", "+1s", "1 s",
  ])
  func `what is no duration is refused`(text: String) {
    #expect(TimeText.duration(text) == nil)
  }

  @Test func `durations of two signs or out of range have no text`() {
    #expect(TimeText.duration(seconds: 1, nanos: -1) == nil)
    #expect(TimeText.duration(seconds: .min, nanos: 0) == nil)
    #expect(TimeText.duration(seconds: 0, nanos: .min) == nil)
  }

  @Test func `random seconds come back`() throws {
    var random = SeededRandom("TimeTextTests")
    for _ in 0..<2_000 {
      let seconds = Int64.random(in: -62_135_596_800...253_402_300_799, using: &random)
      let text = try #require(TimeText.timestamp(seconds: seconds, nanos: 0))
      #expect(TimeText.timestamp(text)?.seconds == seconds, "\(text)")
    }
  }
}
