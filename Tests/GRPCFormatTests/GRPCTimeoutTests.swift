import GRPCFormat
import Testing

@Suite struct GRPCTimeoutTests {
  static func read(_ text: String) -> UInt64? {
    let bytes = Array(text.utf8)
    return GRPCTimeout.nanoseconds(of: unsafe bytes.span.bytes)
  }

  @Test(
    arguments: [
      ("1n", 1), ("2u", 2_000), ("3m", 3_000_000), ("4S", 4_000_000_000),
      ("5M", 300_000_000_000), ("6H", 21_600_000_000_000), ("99999999H", 1 << 62),
    ] as [(String, UInt64)])
  func `each unit is read`(_ text: String, _ nanoseconds: UInt64) {
    #expect(GRPCTimeoutTests.read(text) == nanoseconds)
  }

  @Test(arguments: ["", "1", "S", "1s", "-1S", "1.5S", "123456789S", " 1S", "1S ", "\u{0}S"])
  func `anything else is refused`(_ text: String) {
    #expect(GRPCTimeoutTests.read(text) == nil)
  }

  @Test func `what is written is read back and never longer`() throws {
    var random = SystemRandomNumberGenerator()
    for shift in 0..<62 {
      let value = UInt64.random(in: 0...(1 << shift), using: &random)
      let text = GRPCTimeout.text(nanoseconds: value)
      #expect(text.utf8.count <= 9)
      let read = try #require(GRPCTimeoutTests.read(text))
      #expect(read <= value)
      #expect(Double(value - read) <= Double(value) * 0.0001)
    }
  }
}
