import Compose
import Testing

@Suite struct ShellWordsTests {
  @Test(arguments: [
    ("", []), ("  ", []), ("a", ["a"]), (" a  b ", ["a", "b"]), ("a\tb\nc", ["a", "b", "c"]),
    ("'a b' c", ["a b", "c"]), ("\"a b\"c", ["a bc"]), ("a\\ b", ["a b"]), ("''", [""]),
    ("a '' b", ["a", "", "b"]), ("\"a\\\"b\"", ["a\"b"]), ("\"a\\n\"", ["a\\n"]),
    ("'a\\'", ["a\\"]), ("'\"'", ["\""]), ("\"'\"", ["'"]),
  ])
  func `words are cut at blanks outside quotes`(_ text: String, _ words: [String]) {
    #expect(ShellWords.split(text) == words)
  }

  @Test(arguments: ["'", "\"", "a 'b", "a\\", "\"a\\"])
  func `what is never closed is no command`(_ text: String) {
    #expect(ShellWords.split(text) == nil)
  }

  @Test(arguments: [["a", "b c", ""], ["it's"], ["$x", "`y`", "\\"], ["é"], ["unix:/a-b_c.d"]])
  func `joined words come back`(_ words: [String]) {
    #expect(ShellWords.split(ShellWords.join(words)) == words)
  }
}
