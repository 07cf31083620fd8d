import EventLoop
import Glibc
import JSON
import Machine
import Supervisor
import Testing

/// What the real `assay` does when something goes wrong.
@Suite(.serialized, .timeLimit(.minutes(3))) struct CommandLineFailureTests {
  private func service(_ name: String, _ script: String) -> String {
    "  \(name): {command: [sh, -c, \"\(script)\"], restart: always}\n"
  }

  private let patient = "trap 'exit 0' TERM; while :; do sleep 0.05; done"

  @Test func `a service that does not come up is told with cause, last lines and remedy`()
    async throws
  {
    let script = "for n in 1 2 3 4 5 6; do echo line $$n; done; exit 3"
    let compose = "services:\n" + service("bad", script) + service("good", patient)
    try await RealTool.with(compose: compose) { tool in
      let up = await tool.assay("up", "--detach")
      #expect(up.ending == .exited(status: 7))
      let error = try #require(up.errors.firstIndex { $0.hasPrefix("error[START_FAILED]") })
      #expect(
        up.errors[error].hasPrefix(
          "error[START_FAILED]: bad-1 does not come up: exit status 3, "))
      #expect(up.errors[error + 1] == "hint: assay logs bad shows more")
      #expect(
        up.errors[(error - 5)..<error].map { $0 } == (2...6).map { "  bad-1 | line \($0)" })
      #expect(up.output.contains { $0.hasPrefix("good-1") && $0.contains("ready") })
    }
  }

  @Test func `a service's own hint is passed on`() async throws {
    let compose = """
      services:
        store:
          command: [assay-store]
          restart: always
          environment: {ASSAY_MESH_LISEN: "unix-dir:/run/assay/store"}
      """
    try await RealTool.with(compose: compose) { tool in
      let up = await tool.assay("up", "--detach")
      #expect(up.ending == .exited(status: 7))
      #expect(up.errors.contains { $0.contains("ASSAY_MESH_LISEN") })
      #expect(up.errors.contains { $0.hasPrefix("error[START_FAILED]: store-1 ") })
      #expect(up.errors.last == "hint: correct it and run `assay config check`")
    }
  }

  @Test func `a service that never becomes ready is told with for whom it waits`() async throws {
    try await RealTool.with { tool in
      let up = await tool.assay("up", "-d", "--scale", "store=0", "--timeout", "500ms")
      #expect(up.ending == .exited(status: 7))
      let error = "error[START_FAILED]: orchestrator-1 does not come up: not ready after 500 ms."
      let index = try #require(up.errors.firstIndex(of: error), "\(up.errors)")
      #expect(up.errors[index + 1] == "hint: look at whom it waits for: assay logs store")
    }
  }

  @Test func `an interrupted up stops all in order and says so by its exit code`() async throws {
    try await RealTool.with { tool in
      let foreground = Foreground(on: tool.loop)
      let ended = Task {
        await foreground.run(
          tool.command(["up"]), environment: tool.environment, in: tool.top)
      }
      let replicas = try await tool.until("ready") { all in
        all.count == 6 && all.allSatisfy { $0.state == "ready" }
      }
      await foreground.signal(SIGINT)
      #expect(await ended.value == .exited(status: 130))
      for replica in replicas { #expect(!Processes.isRunning(replica.pid)) }
      // What the store keeps stays until somebody asks for `down --volumes`.
      #expect(Files.entries(of: "\(tool.top)/r") == ["data"])
    }
  }

  @Test func `services end with a supervisor that is killed, and the next up starts anew`()
    async throws
  {
    try await RealTool.with { tool in
      #expect(await tool.assay("up", "-d").isSuccess)
      let before = try await tool.replicas()
      let record = try Files.readText("\(tool.top)/r/processes")
      let line = try #require(record.split(separator: "\n").first { $0.hasSuffix(" supervisor") })
      let supervisor = try #require(Int32(line.prefix { $0 != " " }))
      #expect(kill(supervisor, SIGKILL) == 0)
      let deadline = ContinuousClock.now + .seconds(10)
      while before.contains(where: { Processes.isRunning($0.pid) }), ContinuousClock.now < deadline
      {
        try await tool.loop.sleep(for: .milliseconds(10))
      }
      for replica in before { #expect(!Processes.isRunning(replica.pid), "\(replica)") }
      let gone = await tool.assay("ps")
      #expect(gone.ending == .exited(status: 7))
      let again = await tool.assay("up", "-d")
      #expect(again.isSuccess, "\(again)")
      #expect(Set(try await tool.replicas().map(\.pid)).isDisjoint(with: before.map(\.pid)))
    }
  }

  @Test func `what a killed supervisor leaves, down cleans up`() async throws {
    // Deaf to the signal that comes with the supervisor's end.
    let deaf = "trap '' TERM; while :; do sleep 0.05; done"
    let compose = "services:\n" + service("deaf", deaf)
    try await RealTool.with(compose: compose) { tool in
      #expect(await tool.assay("up", "-d").isSuccess)
      let replica = try #require(try await tool.replicas().first)
      let record = try Files.readText("\(tool.top)/r/processes")
      let line = try #require(record.split(separator: "\n").first { $0.hasSuffix(" supervisor") })
      #expect(kill(try #require(Int32(line.prefix { $0 != " " })), SIGKILL) == 0)
      #expect(Processes.isRunning(replica.pid))
      let down = await tool.assay("down")
      #expect(down.isSuccess && down.errors[0].hasPrefix("nothing ran; cleaned up"))
      #expect(!Processes.isRunning(replica.pid))
      #expect(Files.facts(of: "\(tool.top)/r") == nil)
    }
  }

  @Test func `down without a mesh is no error`() async throws {
    try await RealTool.with { tool in
      let down = await tool.assay("down")
      #expect(down.isSuccess && down.errors[0].hasPrefix("nothing runs in"))
    }
  }

  @Test func `logs follow replicas that come later`() async throws {
    let talkative =
      "trap 'exit 0' TERM; n=0; while :; do n=$$((n+1)); echo say $$n; sleep 0.05; done"
    let compose = "services:\n" + service("a", talkative)
    try await RealTool.with(compose: compose) { tool in
      #expect(await tool.assay("up", "-d").isSuccess)
      let following = Task { await tool.assay("logs", "-f", "-n", "1", timeout: .seconds(3)) }
      #expect(await tool.assay("scale", "a=2").isSuccess)
      let lines = await following.value.output
      #expect(lines.contains { $0.hasPrefix("a-1 | say ") })
      #expect(lines.contains("a-2 | say 2"))
      let numbers = lines.filter { $0.hasPrefix("a-1 | say ") }.compactMap { Int($0.dropFirst(10)) }
      #expect(numbers == Array((numbers.first ?? 0)...(numbers.last ?? 0)), "lines are missing")
    }
  }
}

/// A program that runs until it is signalled.
private actor Foreground: LoopActor {
  nonisolated let loop: EventLoop
  private var child: ChildProcess?

  init(on loop: EventLoop) {
    self.loop = loop
  }

  func run(
    _ words: [String], environment: [String: String], in directory: String
  ) async -> ReplicaEnding {
    var launch = ChildLaunch(
      words[0], Array(words.dropFirst()), environment: environment, workingDirectory: directory)
    launch.output = .null
    launch.errorOutput = .null
    return await withCheckedContinuation { continuation in
      do {
        child = try ChildProcess(launch, on: loop) { exit in
          continuation.resume(
            returning: exit.signal == 0
              ? .exited(status: exit.status) : .killed(signal: exit.signal))
        }
      } catch {
        continuation.resume(returning: .notStarted(reason: "\(error)"))
      }
    }
  }

  func signal(_ number: Int32) { _ = child?.kill(number) }
}
