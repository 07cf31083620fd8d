import FuzzTargets
import Machine
import Testing

/// Replays every input that the fuzzer found worth keeping, crashes of the past among them.
@Suite struct FuzzCorpusTests {
  @Test(.timeLimit(.minutes(1)), arguments: FuzzTarget.allCases)
  func `every kept input is read without a finding`(_ target: FuzzTarget) throws {
    let folder = corpus(of: target)
    let names = Files.entries(of: folder)
    #expect(!names.isEmpty, "no corpus in \(folder)")
    for name in names {
      let input = try Files.read("\(folder)/\(name)")
      #expect(throws: Never.self, "\(target.rawValue)/\(name)") {
        try target.run(unsafe input.span.bytes)
      }
    }
  }

  /// Each input again with every prefix of it: what a peer sends may end anywhere.
  @Test(.timeLimit(.minutes(1)), arguments: FuzzTarget.allCases)
  func `every beginning of a kept input is read without a finding`(_ target: FuzzTarget) throws {
    let folder = corpus(of: target)
    for name in Files.entries(of: folder) {
      let input = try Files.read("\(folder)/\(name)")
      for count in 0..<min(input.count, 200) {
        let beginning = Array(input[..<count])
        #expect(throws: Never.self, "\(target.rawValue)/\(name), \(count) bytes") {
          try target.run(unsafe beginning.span.bytes)
        }
      }
    }
  }

  private func corpus(of target: FuzzTarget) -> String {
    let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    return tests.joined(separator: "/") + "/Fuzz/corpus/\(target.rawValue)"
  }
}
