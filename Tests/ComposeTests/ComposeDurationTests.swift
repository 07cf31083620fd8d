import Compose
import Testing

@Suite struct ComposeDurationTests {
  @Test(arguments: [
    ("10s", Duration.seconds(10)), ("1m30s", .seconds(90)), ("500ms", .milliseconds(500)),
    ("2h", .seconds(7200)), ("1.5s", .milliseconds(1500)), ("10us", .microseconds(10)),
    ("0s", .zero),
  ])
  func `a time is a number with a unit, or several`(_ text: String, _ duration: Duration) {
    #expect(ComposeDuration.parse(text) == duration)
  }

  @Test(arguments: ["", "10", "s", "10x", "-1s", "1e9h", "1s ", "99999999h", ".s", "1..2s", "nans"])
  func `anything else is none`(_ text: String) {
    #expect(ComposeDuration.parse(text) == nil)
  }
}
