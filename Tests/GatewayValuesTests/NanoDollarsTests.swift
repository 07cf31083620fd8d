import GatewayValues
import Testing

@Suite struct NanoDollarsTests {
  @Test(arguments: [
    (0, "$0.00"), (1, "$0.000000001"), (312_000, "$0.000312"), (12_500_000_000, "$12.50"),
    (-1_000_000_000, "-$1.00"), (Int64.max, "$9223372036.854775807"),
    (Int64.min, "-$9223372036.854775808"),
  ])
  func `money is written with the decimals that it has`(count: Int64, text: String) {
    #expect(NanoDollars(count).description == text)
  }

  @Test(arguments: ["0", "$12.5", "0.000000001", "9223372036.854775807", "007.10"])
  func `money is read as it is written`(text: String) throws {
    let money = try #require(NanoDollars(text: text))
    #expect(NanoDollars(text: money.description) == money)
  }

  @Test(arguments: [
    "", "$", "-1", "+1", "1.", ".5", "1,5", "1.0000000001", "9223372036.854775808", "1e3", " 1",
    "99999999999", "١",
  ])
  func `what is no amount is none`(text: String) {
    #expect(NanoDollars(text: text) == nil)
  }

  @Test func `a sum that does not fit is none`() {
    #expect(NanoDollars.max.adding(NanoDollars(1)) == nil)
    #expect(NanoDollars(.min).subtracting(NanoDollars(1)) == nil)
    #expect(NanoDollars(2).adding(NanoDollars(3)) == NanoDollars(5))
  }
}
