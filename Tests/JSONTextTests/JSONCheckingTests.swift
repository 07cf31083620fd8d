import JSON
import JSONText
import TestSupport
import Testing

@Suite struct JSONCheckingTests {
  private func code(_ text: String, _ limits: JSONLimits) -> JSONError.Code? {
    let refusal = TreeOfText.refusal(of: Array(text.utf8), limits: limits)
    #expect(refusal.text == refusal.tree)
    return refusal.text?.code
  }

  @Test func `both readers agree on mutations of every case`() {
    var random = SeededRandom("JSONCheckingTests.mutations")
    for vector in JSONVector.all {
      for _ in 0..<40 {
        let bytes = random.mutation(of: vector.bytes)
        let refusal = TreeOfText.refusal(of: bytes)
        #expect(refusal.text == refusal.tree, "\(bytes)")
      }
    }
  }

  @Test func `both readers agree on bytes that look like JSON`() {
    var random = SeededRandom("JSONCheckingTests.noise")
    let alphabet = Array("{}[]:,\"\\u0aeE+-.1 \n/tfn".utf8) + [0x80, 0xC3, 0xA9, 0xED, 0xF0, 0x00]
    for _ in 0..<20_000 {
      let bytes = random.bytes(countMax: 12, from: alphabet)
      let refusal = TreeOfText.refusal(of: bytes)
      #expect(refusal.text == refusal.tree, "\(bytes)")
    }
  }

  @Test func `both readers see the same values in the same order`() throws {
    var json = RandomJSON("JSONCheckingTests.values")
    json.varies = true
    for _ in 0..<400 {
      let value = json.value()
      let bytes = json.spelling(of: value)
      let text = try JSONText(checking: bytes)
      let tree = try JSONValue(parsing: bytes)
      #expect(TreeOfText.spelling(of: text.root) == TreeOfText.spelling(of: tree))
      #expect(text.root.value == tree)
      #expect(text.bytes == bytes)
    }
  }

  @Test func `neither reader ever moves a key`() throws {
    var random = SeededRandom("JSONCheckingTests.order")
    let keys = (0..<300).map { "key\($0)" }.shuffled(using: &random)
    let bytes = Array(("{" + keys.map { "\"\($0)\":1" }.joined(separator: ",") + "}").utf8)
    #expect(try JSONValue(parsing: bytes).objectValue?.keys == keys)
    #expect(try JSONValue(parsing: bytes).bytes() == bytes)
    #expect(try JSONText(checking: bytes).root.members.map { $0.key.string } == keys)
  }

  @Test func `every beginning of a document is refused as the other reader does`() throws {
    let text = #"{"a":[1.5e-3,"x\u00e9\ud83d\ude00é€😀",true,false,null],"b":{"c":{}},"d":-0}"#
    let bytes = Array(text.utf8)
    _ = try JSONText(checking: bytes)
    for count in 0..<bytes.count {
      let refusal = TreeOfText.refusal(of: Array(bytes[..<count]))
      #expect(refusal.text != nil)
      #expect(refusal.text == refusal.tree)
    }
  }

  @Test func `what ends a plain run is found wherever it stands`() {
    for ending in ["\"", "\\n\"", "\u{1}", "é\"", "\\"].map({ Array($0.utf8) }) + [[0xFF, 0x22]] {
      for length in 0..<100 {
        for tail in [0, 40] {
          let plain = [UInt8](repeating: UInt8(ascii: "~"), count: length)
          let bytes = [0x22] + plain + ending + [UInt8](repeating: 0x20, count: tail)
          let refusal = TreeOfText.refusal(of: bytes)
          #expect(refusal.text == refusal.tree, "\(length) \(ending)")
          let isDocument = ending.last == 0x22 && ending[0] != 0xFF
          #expect((refusal.text == nil) == isDocument)
        }
      }
    }
  }

  @Test func `limits are kept to the value`() {
    #expect(code("[[[[[]]]]]", JSONLimits(depthMax: 5)) == nil)
    #expect(code("[[[[[]]]]]", JSONLimits(depthMax: 4)) == .tooDeep(limit: 4))
    #expect(code("[1,2]", JSONLimits(valuesMax: 3)) == nil)
    #expect(code("[1,2]", JSONLimits(valuesMax: 2)) == .tooManyValues(limit: 2))
    #expect(code("[12]", JSONLimits(bytesMax: 4)) == nil)
    #expect(code("[12]", JSONLimits(bytesMax: 3)) == .tooManyBytes(limit: 3))
    #expect(code("123", JSONLimits(numberBytesMax: 3)) == nil)
    #expect(code("1.23", JSONLimits(numberBytesMax: 3)) == .numberTooLong(limit: 3))
  }

  @Test func `a million openings end at the depth limit`() {
    let text = String(repeating: "[{\"a\":", count: 170_000)
    #expect(code(text, JSONLimits()) == .tooDeep(limit: 128))
    #expect(code(text, JSONLimits(depthMax: .max)) == .tooDeep(limit: JSONLimits.depthCeiling))
  }

  @Test func `a huge string costs one node and a huge array one a value`() throws {
    let base64 = String(repeating: "ABCDwxyz0189+/", count: 100_000)
    #expect(try JSONText(checking: Array("\"\(base64)\"".utf8)).nodeCount == 1)
    let zeros = "[" + Array(repeating: "0", count: 70_000).joined(separator: ",") + "]"
    let text = try JSONText(checking: Array(zeros.utf8))
    #expect(text.nodeCount == 70_001)
    #expect(text.root.count == 70_000)
  }

  @Test func `a key is found twice among thousands, on every level`() {
    let many = (0..<3000).map { "\"k\($0)\":{\"k\($0)\":0}" }.joined(separator: ",")
    #expect(code("{\(many)}", JSONLimits()) == nil)
    for last in ["k0", "k16", "k17", "k2999", "\\u006b1500"] {
      #expect(code("{\(many),\"\(last)\":1}", JSONLimits()) == .duplicateKey)
    }
    let inner = (0..<20).map { "\"k\($0)\":0" }.joined(separator: ",")
    let nested = "{\(inner),\"x\":{\(inner),\"y\":[{\(inner)}]},\"z\":0"
    #expect(code("\(nested)}", JSONLimits()) == nil)
    #expect(code("\(nested),\"k19\":0}", JSONLimits()) == .duplicateKey)
  }
}
