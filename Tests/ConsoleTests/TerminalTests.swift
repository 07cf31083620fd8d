import Console
import Faults
import JSON
import Testing

@Suite struct TerminalTests {
  @Test func `data and talk go separate ways`() {
    let terminal = Terminal(capturing: false)
    terminal.line("data")
    terminal.talk("talk")
    terminal.line(["a": 1, "b": [true, nil]])
    #expect(terminal.text.output == "data\n{\"a\":1,\"b\":[true,null]}\n")
    #expect(terminal.text.error == "talk\n")
  }

  @Test func `an error names its reason, what happened and what to do`() {
    let terminal = Terminal(capturing: false)
    terminal.report(
      Fault(
        .invalidArgument, reason: "BAD", "It is \u{1B}[31mbad\n.", hint: "make it good",
        violations: [Fault.FieldViolation(field: "a.b", description: "too long")]))
    #expect(
      terminal.text.error == """
        error[BAD]: It is \u{FFFD}[31mbad\u{FFFD}.
          a.b: too long
        hint: make it good

        """)
  }

  @Test func `colours appear only where they are asked for`() {
    #expect(Terminal(capturing: false).painted("x", .red) == "x")
    #expect(
      Terminal(capturing: false, isPainted: true).painted("x", .red) == "\u{1B}[31mx\u{1B}[0m")
  }

  @Test(arguments: [
    ("plain", "plain"), ("tab\t", "tab\t"), ("\u{7}bell", "\u{FFFD}bell"),
    ("\u{9B}csi", "\u{FFFD}csi"), ("é ü", "é ü"), ("a\r\nb", "a\u{FFFD}\u{FFFD}b"),
  ])
  func `control characters cannot steer the terminal`(_ text: String, _ shown: String) {
    #expect(Terminal.harmless(text) == shown)
  }

  @Test(arguments: [
    (Fault.Code.unavailable, "X", ExitCode.unavailable), (.permissionDenied, "X", .denied),
    (.unauthenticated, "X", .denied), (.resourceExhausted, "BUDGET_EXHAUSTED", .budget),
    (.resourceExhausted, "X", .failed), (.unavailable, "UPSTREAM", .upstream),
    (.cancelled, "INTERRUPTED", .interrupted), (.internal, "X", .failed),
  ])
  func `a fault has its exit code`(_ code: Fault.Code, _ reason: String, _ exit: ExitCode) {
    #expect(ExitCode(Fault(code, reason: reason, "x")) == exit)
  }

  @Test func `columns are as wide as they need`() {
    var table = TextTable(["name", "n"], right: [1])
    table.add(["a", "1000"])
    table.add(["longer", "1"])
    #expect(table.lines == ["name       n", "a       1000", "longer     1"])
  }
}
