import GRPCFormat
import Testing

@Suite struct PercentEncodingTests {
  private func decode(_ text: String) -> String {
    let bytes = Array(text.utf8)
    return PercentEncoding.decode(unsafe bytes.span.bytes)
  }

  @Test func `the special message of the interop suite survives`() {
    let message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    let wire = String(decoding: PercentEncoding.encode(message), as: UTF8.self)
    #expect(wire.utf8.allSatisfy { (0x20...0x7e).contains($0) })
    #expect(wire.hasPrefix("%09%0Atest with whitespace%0D%0A"))
    #expect(decode(wire) == message)
  }

  @Test(arguments: [("100%", "100%"), ("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%41%", "A%")])
  func `a broken escape stays as it is`(_ wire: String, _ message: String) {
    #expect(decode(wire) == message)
  }

  @Test func `bytes that are no UTF-8 become replacement characters`() {
    #expect(decode("%FF%FEok") == "\u{fffd}\u{fffd}ok")
  }
}
