import Faults
import Testing

@Suite struct SpellingTests {
  private let names = ["mesh.listen", "mesh.store", "log.level", "log.format"]

  @Test(
    arguments: [
      ("mesh.lisen", "mesh.listen"), ("mesh.lsiten", "mesh.listen"), ("MESH.LISTEN", "mesh.listen"),
      ("log.levels", "log.level"), ("log-level", "log.level"), ("log.formt", "log.format"),
      ("completely.different", nil), ("", nil), ("x", nil),
      (String(repeating: "mesh.listen", count: 10), nil),
    ] as [(String, String?)])
  func `the nearest name is found when it is near`(name: String, nearest: String?) {
    #expect(Spelling.nearest(to: name, among: names) == nearest)
  }

  @Test func `a swap of neighbours counts once`() {
    #expect(Spelling.nearest(to: "abdc", among: ["abcd"]) == "abcd")
    #expect(Spelling.nearest(to: "badc", among: ["abcd"]) == nil)
    #expect(Spelling.nearest(to: "", among: [""]) == nil)
    #expect(Spelling.nearest(to: "ab", among: [""]) == nil)
  }

  @Test func `the beginning of a name stands for it, a single letter for nothing`() {
    #expect(Spelling.nearest(to: "comp", among: ["compute", "completion"]) == "compute")
    #expect(Spelling.nearest(to: "compl", among: ["compute", "completion"]) == "completion")
    #expect(Spelling.nearest(to: "c", among: ["completion"]) == nil)
    #expect(Spelling.nearest(to: "b", among: ["a"]) == nil)
    #expect(Spelling.nearest(to: "pu", among: ["up", "down"]) == "up")
  }

  @Test func `the suggestion goes behind a sentence`() {
    #expect(Spelling.suggestion(for: "log.leve", among: names) == "; did you mean 'log.level'?")
    #expect(Spelling.suggestion(for: "zzz", among: names) == "")
  }
}
