import Console
import Glibc
import Machine
import Testing

@Suite struct CompletionTests {
  private let completion = Completion([
    Verb("up", "start it: 'now' [really]", flags: [Flag("detach", short: "d", "leave it")]),
    Verb("logs", "show", operands: .services),
    Verb(
      "completion", "x",
      operands: Operands("SHELL", count: 1...1, completion: .words(["bash", "zsh"]))),
    Verb("check", "x", operands: Operands("FILE", count: 1...1, completion: .files)),
    Verb("money count", "x", flags: [Flag("by", value: "WHAT", "x")]),
    Verb("money spend", "x", flags: [Flag("on", value: "WHAT", "x")]),
    Verb("secret", "x", isHidden: true),
  ])

  @Test(arguments: Completion.Shell.allCases)
  func `every verb and flag is offered, hidden ones are not`(_ shell: Completion.Shell) {
    let script = completion.script(for: shell)
    for word in ["up", "logs", "detach", "json", "assay __complete services", "bash"] {
      #expect(script.contains(word), "\(word) in \(shell)")
    }
    #expect(!script.contains("secret"))
  }

  @Test func `bash takes the script and completes with it`() throws {
    let path = "/tmp/assay-completion-\(getpid()).bash"
    defer { try? Files.remove(path) }
    let probe = """
      complete_with() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _assay; echo "${COMPREPLY[*]}"; }
      complete_with assay u
      complete_with assay up --d
      complete_with assay completion b
      complete_with assay mo
      complete_with assay money s
      complete_with assay money spend --o
      """
    try Files.replace(path, with: completion.script(for: .bash) + probe)
    let output = try #require(run("/bin/bash", path))
    #expect(output == "up\n--detach\nbash\nmoney\nspend\n--on\n")
  }

  /// What a program prints.
  private func run(_ program: String, _ argument: String) -> String? {
    let output = "/tmp/assay-completion-\(getpid()).out"
    defer { try? Files.remove(output) }
    let status = unsafe system("\(program) \(argument) > \(output) 2>&1")
    return status == 0 ? try? Files.readText(output) : nil
  }
}
