import JSON
import JSONText
import TestSupport
import Testing

/// Both readers of JSON against one table, and against a reader of other people.
@Suite struct JSONVectorTests {
  @Test func `the table has no case twice and enough of them`() {
    #expect(Set(JSONVector.all.map(\.name)).count == JSONVector.all.count)
    #expect(Set(JSONVector.all.map(\.bytes)).count == JSONVector.all.count)
    #expect(JSONVector.all.count >= 280)
  }

  @Test(arguments: JSONVector.accepted)
  func `what RFC 8259 allows is read by both readers`(_ vector: JSONVector) throws {
    let tree = try JSONValue(parsing: vector.bytes)
    let text = try JSONText(checking: vector.bytes)
    #expect(text.bytes == vector.bytes)
    #expect(TreeOfText.value(of: text.root) == tree)
    #expect(TreeOfText.spelling(of: text.root) == TreeOfText.spelling(of: tree))
  }

  @Test(arguments: JSONVector.refused)
  func `what it does not allow is refused by both for one reason`(_ vector: JSONVector) {
    let refusal = TreeOfText.refusal(of: vector.bytes)
    #expect(refusal.tree != nil)
    #expect(refusal.text == refusal.tree)
  }

  @Test(.timeLimit(.minutes(1)))
  func `Python reads what we take, and the same values in the same order`() async throws {
    // No reader's numbers hold all of these: their texts are compared.
    let script = """
      import json, sys
      for line in sys.argv[1].split():
          text = bytes.fromhex(line).decode("utf-8")
          pairs = lambda found: ["o", *[part for pair in found for part in pair]]
          number = lambda text: ["n", text]
          value = json.loads(text, object_pairs_hook=pairs, parse_int=number, parse_float=number)
          print(json.dumps(value, separators=(",", ":")))
      """
    let cases = JSONVector.accepted.map { vector in
      vector.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    let output = try await ChildTool.run(
      "/usr/bin/env", ["python3", "-c", script, cases.joined(separator: " ")])
    #expect(output.isSuccess, "\(output.lastWords)")
    #expect(output.lines.count == JSONVector.accepted.count)
    for (vector, line) in zip(JSONVector.accepted, output.lines) {
      let ours = try JSONText(checking: vector.bytes).root
      let theirs = try JSONValue(parsing: line, limits: JSONLimits(depthMax: 300))
      #expect(theirs == TreeOfText.tagged(ours), "\(vector.name)")
    }
  }
}
