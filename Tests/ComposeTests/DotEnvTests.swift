import Compose
import Testing

@Suite struct DotEnvTests {
  @Test func `names, quotes, comments and exports`() throws {
    let text = """
      # comment
      A=1
        B = "no"
      """
    #expect(DotEnv.parse(text) == .failure(DotEnv.Failure(line: 3)))
    let good = "A=1\n\n#x\nexport B='two words'\nC=\"\"\nD=a#b # c\r\n E==\nF='"
    #expect(
      DotEnv.parse(good)
        == .success(["A": "1", "B": "two words", "C": "", "D": "a#b", "E": "=", "F": "'"]))
  }

  @Test(arguments: ["A", "=1", "1A=2", "A-B=1", "é=1"])
  func `a line that is no assignment is named`(_ line: String) {
    #expect(DotEnv.parse("OK=1\n\(line)") == .failure(DotEnv.Failure(line: 2)))
  }
}
