import CommandLineTool
import Console
import Machine
import RPC
import Testing

@Suite struct CommandTests {
  @Test(.timeLimit(.minutes(1)))
  func `help lists every verb and explains each`() async throws {
    try await ToolFixture.run { tool in
      let all = await tool.assay("help")
      #expect(all.code == .success && all.error == "")
      for verb in CommandTable.verbs where !verb.isHidden {
        #expect(all.output.contains("  \(verb.name) "))
        let one = await tool.assay("help", verb.name)
        #expect(one.code == .success)
        #expect(one.output.contains(verb.summary) && one.output.contains(verb.usage))
        for flag in verb.flags { #expect(one.output.contains("--\(flag.name)")) }
      }
      #expect(!all.output.contains("__complete"))
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `what is not understood is told with the usage, and is exit code 2`() async throws {
    try await ToolFixture.run { tool in
      let wrong = await tool.assay("pss")
      #expect(wrong.code == .usage && wrong.output == "")
      #expect(
        wrong.error == """
          error[USAGE]: there is no verb pss.
          hint: did you mean assay ps?
          usage: assay VERB [FLAGS] [WORDS]

          """)
      #expect(await tool.assay("scale", "a=many").code == .usage)
      #expect(await tool.assay("scale", "a=33").code == .usage)
      #expect(await tool.assay("scale", "a=1", "a=2").code == .usage)
      #expect(await tool.assay("config", "shw").code == .usage)
      #expect(await tool.assay("completion", "tcsh").code == .usage)
      #expect(await tool.assay("logs", "-n", "x").code == .usage)
      #expect(await tool.assay("health", "--timeout", "5").code == .usage)
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `verbs of two words are listed, explained and corrected`() async throws {
    try await ToolFixture.run { tool in
      for words in [["ledger", "--help"], ["help", "ledger"], ["ledger", "-h"]] {
        let group = await tool.assay(words: words)
        #expect(group.code == .success && group.error == "")
        for verb in ["audit", "lines", "spend", "resolve"] {
          #expect(group.output.contains("  ledger \(verb) "))
        }
        #expect(!group.output.contains("budget"))
      }
      for words in [["help", "ledger", "audit"], ["ledger", "audit", "--help"]] {
        let one = await tool.assay(words: words)
        #expect(one.code == .success && one.output.contains("[--bill FILE|URL]"))
      }
      let none = await tool.assay("ledger")
      #expect(none.code == .usage && none.error.contains("needs one of audit, lines"))
      let wrong = await tool.assay("ledger", "audti", "x")
      #expect(wrong.code == .usage && wrong.error.contains("did you mean assay ledger audit?"))
      #expect(await tool.assay("ledgr", "audit").error.contains("did you mean assay ledger?"))
      #expect(await tool.assay("ledger", "audit").code == .usage)
      #expect(await tool.assay("key", "create", "a").error.contains("needs PRODUCT NAME"))
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `version and completion need nothing`() async throws {
    try await ToolFixture.run { tool in
      #expect(await tool.assay("version").output.hasPrefix("assay "))
      #expect(await tool.assay("--version", "--json").code == .success)
      #expect(await tool.assay("completion", "bash").output.contains("complete -F _assay assay"))
      #expect(await tool.assay("__complete", "services").output == "")
      try tool.write("compose.yaml", ToolFixture.compose(["a": "x", "b": "y"]))
      #expect(await tool.assay("__complete", "services").output == "a\nb\n")
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["ps", "restart", "health", "reflect", "logs"])
  func `without a mesh, verbs that need one say so with exit code 7`(_ verb: String) async throws {
    try await ToolFixture.run { tool in
      try tool.write("compose.yaml", ToolFixture.compose(["a": "x"]))
      let answer = await tool.assay(verb)
      #expect(answer.code == .unavailable)
      #expect(answer.error.hasPrefix("error[MESH_NOT_RUNNING]: No mesh runs in \(tool.top)/r."))
      #expect(answer.error.contains("hint: assay up --detach"))
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a compose file is found above, named, or missed`() async throws {
    try await ToolFixture.run(environment: ["ASSAY_RUN_DIR": ""]) { tool in
      let missing = await tool.assay("up")
      #expect(missing.code == .failed)
      #expect(missing.error.contains("error[NO_COMPOSE_FILE]"))
      try tool.write("other.yaml", "services: {a: {comand: x}}")
      let named = await tool.assay("up", "--file", "other.yaml")
      #expect(named.error.contains("\(tool.top)/other.yaml:1: services.a.comand is not a key"))
      #expect(named.error.contains("hint: did you mean command?"))
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `variables come from the environment, then from the file beside the compose file`()
    async throws
  {
    try await ToolFixture.run(environment: ["FROM_OUTSIDE": "a"]) { tool in
      try tool.write("compose.yaml", "services: {\"${FROM_OUTSIDE}\": {command: x}}")
      try tool.write(".env", "FROM_OUTSIDE=b\nPROGRAM=nowhere\n")
      let keys = await tool.assay("__complete", "services")
      // Names of services are keys, and keys are not expanded.
      #expect(keys.output == "")
      try tool.write("compose.yaml", "services: {a: {command: \"$PROGRAM-$FROM_OUTSIDE\"}}")
      #expect(await tool.assay("up").error.contains("there is no program nowhere-a "))
      try tool.write(".env", "what is this")
      #expect(await tool.assay("up").error.contains(".env:1: this is no NAME=value."))
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a socket path that is too long is refused before anything starts`() async throws {
    let long = "/tmp/" + String(repeating: "x", count: 90)
    try await ToolFixture.run(environment: ["ASSAY_RUN_DIR": long]) { tool in
      try tool.write("compose.yaml", ToolFixture.compose(["a": "x"]))
      let answer = await tool.assay("up")
      #expect(answer.code == .failed)
      #expect(answer.error.contains("error[SOCKET_PATH_TOO_LONG]"))
      #expect(answer.error.contains("bytes shorter"))
      #expect(Files.facts(of: long) == nil)
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `doctor finds what is wrong and what to do`() async throws {
    try await ToolFixture.run(environment: ["ASSAY_LOG_LEVEL": "debug"]) { tool in
      let missing = await tool.assay("doctor")
      #expect(missing.code == .failed)
      #expect(missing.output.contains("FAIL  compose file: There is no compose.yaml"))
      try tool.write("compose.yaml", ToolFixture.compose(["a": "x"]))
      let stray = await tool.assay("doctor")
      #expect(stray.output.contains("WARN  environment: ASSAY_LOG_LEVEL is set here"))
      #expect(stray.output.contains("WARN  address: nobody can ask a whether it is ready"))
      #expect(stray.output.contains("OK    mesh: not running"))
      let json = await tool.assay("doctor", "--json")
      #expect(json.output.contains("{\"level\":\"OK\",\"subject\":\"kernel\""))
      try tool.write("compose.yaml", "services: {a: {command: nowhere-at-all}}")
      let unfound = await tool.assay("doctor")
      #expect(unfound.code == .failed)
      #expect(unfound.output.contains("FAIL  plan: "))
    }
  }
}
