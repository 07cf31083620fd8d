import Descriptors
import TestSupport
import Testing

@Suite struct Base64Tests {
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func `the vectors of RFC 4648`(plain: String, text: String) {
    #expect(Base64.text(Array(plain.utf8)) == text)
    #expect(Base64.bytes(text) == Array(plain.utf8))
    let bare = String(text.prefix { $0 != "=" })
    #expect(Base64.bytes(bare) == Array(plain.utf8))
  }

  @Test func `both alphabets are read`() {
    #expect(Base64.bytes("-_8=") == Base64.bytes("+/8="))
    #expect(Base64.bytes("+/8=") == [0xFB, 0xFF])
  }

  @Test(arguments: ["Z", "Zg=", "Zg===", "Zm9v=", "====", "=", "Zm 9", "Zm9v\n", "Zé", "Z=g="])
  func `anything else is refused`(text: String) {
    #expect(Base64.bytes(text) == nil)
  }

  @Test func `random bytes come back`() {
    var random = SeededRandom("Base64Tests")
    for _ in 0..<500 {
      let bytes = random.bytes(countMax: 50)
      #expect(Base64.bytes(Base64.text(bytes)) == bytes)
    }
  }
}
