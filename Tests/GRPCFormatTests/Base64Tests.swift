import GRPCFormat
import Testing

/// Base64 with and without padding, against a writer of one bit at a time.
@Suite struct Base64Tests {
  private static func bitwise(_ bytes: [UInt8], isPadded: Bool) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
    while bits.count % 6 != 0 { bits.append(0) }
    var text = ""
    for start in stride(from: 0, to: bits.count, by: 6) {
      text.append(digits[bits[start..<start + 6].reduce(0) { $0 << 1 | Int($1) }])
    }
    while isPadded, text.count % 4 != 0 { text.append("=") }
    return text
  }

  @Test func `every length and every byte is written as its bits say, and read again`() {
    for count in 0..<300 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ count) }
      for isPadded in [false, true] {
        let text = Base64.encode(bytes, isPadded: isPadded)
        #expect(String(decoding: text, as: UTF8.self) == Self.bitwise(bytes, isPadded: isPadded))
        #expect(Base64.decode(text) == bytes)
      }
    }
  }

  @Test func `a collection whose bytes do not lie together is written as well`() {
    let bytes: [UInt8] = [1, 2, 3, 4, 5]
    #expect(Base64.encode(bytes.reversed()) == Base64.encode([5, 4, 3, 2, 1]))
    #expect(Base64.encode(bytes[1...3]) == Base64.encode([2, 3, 4]))
  }

  @Test func `a document in pieces of whole groups is the document at once`() {
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var pieces: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 999) {
      let piece = bytes[start..<min(start + 999, bytes.count)]
      pieces += Base64.encode(piece, isPadded: true)
    }
    #expect(pieces == Base64.encode(bytes, isPadded: true))
  }
}
