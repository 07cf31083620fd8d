import Console
import Testing

@Suite struct ArgumentParserTests {
  private let parser = ArgumentParser([
    Verb(
      "up", "start",
      flags: [Flag("detach", short: "d", "x"), Flag("scale", value: "S=N", repeats: true, "x")]),
    Verb(
      "logs", "show", operands: .services,
      flags: [Flag("follow", short: "f", "x"), Flag("tail", short: "n", value: "LINES", "x")]),
    Verb("call", "call", operands: Operands("METHOD [JSON]", count: 1...2)),
    Verb("__complete", "x", isHidden: true),
  ])

  private func error(_ words: String...) -> UsageError? {
    #expect(throws: UsageError.self) { try parser.parse(words) }
  }

  @Test func `flags are understood in each of their spellings`() throws {
    let spellings = [["--tail", "5"], ["--tail=5"], ["-n", "5"], ["-n5"]]
    for spelling in spellings {
      let invocation = try parser.parse(["logs"] + spelling + ["store", "-f"])
      #expect(invocation.value("tail") == "5")
      #expect(invocation.has("follow"))
      #expect(invocation.operands == ["store"])
    }
  }

  @Test func `a flag that repeats keeps all its values`() throws {
    let invocation = try parser.parse(["up", "--scale", "a=1", "-d", "--scale=b=2"])
    #expect(invocation.values("scale") == ["a=1", "b=2"])
    #expect(invocation.has("detach"))
    #expect(!invocation.wantsJSON)
  }

  @Test func `words behind two dashes are never flags`() throws {
    let invocation = try parser.parse(["logs", "--", "-f", "--tail"])
    #expect(invocation.operands == ["-f", "--tail"])
    #expect(invocation.flags.isEmpty)
  }

  @Test func `a single dash is a word, and a value may look like a flag`() throws {
    #expect(try parser.parse(["call", "A/B", "-"]).operands == ["A/B", "-"])
    #expect(try parser.parse(["logs", "--tail", "-5"]).value("tail") == "-5")
    #expect(try parser.parse(["logs", "--tail="]).value("tail") == "")
  }

  @Test func `help and version are asked for in the usual ways`() throws {
    #expect(try parser.parse([]) == Invocation(verb: "help"))
    #expect(try parser.parse(["--help", "up"]) == Invocation(verb: "help", operands: ["up"]))
    #expect(
      try parser.parse(["up", "-h", "--detach"]) == Invocation(verb: "help", operands: ["up"]))
    #expect(try parser.parse(["--version"]) == Invocation(verb: "version"))
    #expect(try parser.parse(["up", "--json"]).wantsJSON)
  }

  @Test func `a verb or flag that is nearly right is named`() {
    #expect(error("lgos")?.hint == "did you mean assay logs?")
    #expect(error("logs", "--folow")?.hint == "did you mean --follow?")
    #expect(error("up", "--jsno")?.hint == "did you mean --json?")
    #expect(error("xyzzy")?.hint == "assay help lists all verbs")
    #expect(error("__complet")?.hint == "assay help lists all verbs")
  }

  @Test func `what cannot be understood says why`() {
    #expect(error("logs", "--tail")?.message == "--tail needs a value")
    #expect(error("logs", "--follow=yes")?.message == "--follow takes no value")
    #expect(error("logs", "-x")?.message == "assay logs has no flag -x")
    #expect(error("logs", "-n1", "-n2")?.message == "--tail is given twice")
    #expect(error("up", "store")?.message == "assay up does not know what to do with store")
    #expect(error("call")?.message == "assay call needs METHOD [JSON]")
    #expect(error("call", "a", "b", "c")?.verb == "call")
    #expect(error("--detach", "up")?.message == "the verb comes first, before --detach")
    #expect(error("")?.verb == nil)
  }

  @Test func `any words end in an invocation or a usage error`() {
    var generator = SystemRandomNumberGenerator()
    let parts = [
      "up", "logs", "call", "--", "-", "--tail", "-n", "=", "-f", "--scale=", "x", "", "é",
    ]
    for _ in 0..<5_000 {
      let words = (0..<Int.random(in: 0..<6, using: &generator)).map { _ in
        (0..<Int.random(in: 0..<3, using: &generator)).compactMap { _ in
          parts.randomElement(using: &generator)
        }.joined()
      }
      _ = try? parser.parse(words)
    }
  }
}
