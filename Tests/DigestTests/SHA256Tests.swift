import Digest
import Testing

/// The vectors of FIPS 180-4, and what fields add to plain bytes.
@Suite struct SHA256Tests {
  private func hex(_ text: String) -> String {
    var digest = SHA256()
    digest.update(Array(text.utf8))
    return digest.finishHex()
  }

  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func `the published vectors hold`(_ vector: (text: String, digest: String)) {
    #expect(hex(vector.text) == vector.digest)
  }

  @Test func `pieces make the digest of the whole`() {
    var pieces = SHA256()
    for _ in 0..<1000 { pieces.update(Array("0123456789".utf8)) }
    var whole = SHA256()
    whole.update(Array(String(repeating: "0123456789", count: 1000).utf8))
    let (one, other) = (pieces.finishHex(), whole.finishHex())
    #expect(one == other)
  }

  @Test func `two fields never look like another two`() {
    func digest(_ fields: [String]) -> String {
      var digest = SHA256()
      for field in fields { digest.update(field: field) }
      return digest.finishHex()
    }
    #expect(digest(["ab", "c"]) != digest(["a", "bc"]))
    #expect(digest(["abc", ""]) != digest(["", "abc"]))
    #expect(digest(["a", "b"]) == digest(["a", "b"]))
  }
}
