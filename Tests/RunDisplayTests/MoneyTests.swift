import RunDisplay
import Testing

@Suite struct MoneyTests {
  @Test(arguments: [
    (0, "$0"), (1, "$0.000000"), (500, "$0.000001"), (99_999, "$0.000100"), (100_000, "$0.0001"),
    (12_345_678, "$0.0123"), (999_950_000, "$1.0000"), (1_000_000_000, "$1.00"),
    (3_125_000_000, "$3.13"), (-1_500_000_000, "-$1.50"), (Int64.max, "$9223372036.85"),
  ])
  func `an amount is short and never says nothing`(_ sample: (nanos: Int64, text: String)) {
    #expect(Money.text(sample.nanos) == sample.text)
  }

  @Test(arguments: [
    ("1", 1_000_000_000), ("$0.50", 500_000_000), (".5", 500_000_000), ("0.000000001", 1),
    ("12.", 12_000_000_000), ("999999999", 999_999_999_000_000_000),
  ])
  func `an amount is read as it is written`(_ sample: (text: String, nanos: Int64)) {
    #expect(Money.parse(sample.text) == sample.nanos)
  }

  @Test(arguments: ["", "$", ".", "-1", "1.2.3", "1e3", "٣", "1,5", "0.0000000001", "1234567890"])
  func `anything else is no amount`(_ text: String) {
    #expect(Money.parse(text) == nil)
  }
}
