import Glibc
import JSON
import Machine
import Supervisor
import Testing

/// Runs on the real mesh, by the verbs that people use.
@Suite(.serialized, .timeLimit(.minutes(4))) struct RunMeshTests {
  private let texts = ["one", "two", "three", "four", "five", "six", "seven"]

  private func objects(_ lines: [String]) throws -> [JSONValue] {
    try lines.map { try JSONValue(parsing: $0) }
  }

  @Test func `a run is estimated, scored, listed, shown, watched again and exported`()
    async throws
  {
    try await RealTool.with { tool in
      #expect(await tool.assay("up", "-d").isSuccess)
      let dry = await tool.assay(words: ["echo", "--dry-run"] + texts)
      #expect(dry.isSuccess && dry.output.starts(with: ["7 units, 0 of them kept already"]))
      #expect(dry.output.contains("2 model calls"))

      let run = await tool.assay(words: ["echo", "--key", "k1"] + texts)
      #expect(run.isSuccess, "\(run)")
      #expect(run.output.count == 8 && run.output[0].hasPrefix("UNIT"))
      let listed = try objects(await tool.assay("ls", "--json").output)
      #expect(listed.count == 1 && listed[0]["state"]?.stringValue == "COMPLETED")
      let id = try #require(listed.first?["id"]?.stringValue)
      #expect(listed[0]["totals"]?["succeeded"]?.stringValue == "7")
      #expect(listed[0]["totals"]?["attempts"]?.stringValue == "2")

      let show = await tool.assay("show", id)
      #expect(show.output.first?.contains("completed") == true)
      let events = try objects(await tool.assay("watch", id, "--json").output)
      #expect(events.map { $0["seq"]?.stringValue } == (1...events.count).map { "\($0)" })
      let rest = try objects(await tool.assay("watch", id, "--json", "--after", "3").output)
      #expect(rest == Array(events.dropFirst(3)))

      let csv = await tool.assay("export", id)
      #expect(csv.isSuccess && csv.output.count == 8)
      let rows = try objects(await tool.assay("export", id, "--format", "jsonl").output)
      #expect(rows.count == 7)

      // The key again is the run again; the texts again cost nothing.
      let again = await tool.assay(words: ["echo", "--key", "k1", "-d"] + texts)
      #expect(again.output == [id])
      let other = await tool.assay(words: ["echo", "--key", "k1", "-d", "else"])
      #expect(other.ending == .exited(status: 1))
      #expect(other.errors.first?.hasPrefix("error[IDEMPOTENCY_KEY_REUSED]") == true)
      let cached = try objects(
        await tool.assay(words: ["echo", "--dry-run", "--json"] + texts).output)
      #expect(cached.first?["cached"]?.stringValue == "7")
      #expect(cached.first?["calls"] == nil)
    }
  }

  @Test func `a cap ends a run before it is passed, and a raised one finishes it`() async throws {
    try await RealTool.with { tool in
      #expect(await tool.assay("up", "-d").isSuccess)
      let many = (0..<60).map { "text \($0)" }
      let capped = await tool.assay(
        words: ["echo", "--cap", "0.005", "--width", "2"] + many)
      #expect(capped.ending == .exited(status: 5), "\(capped)")
      let run = try #require(try objects(await tool.assay("ls", "--json").output).first)
      let id = try #require(run["id"]?.stringValue)
      let cost = Int64(run["totals"]?["costNanos"]?.stringValue ?? "") ?? 0
      #expect(cost > 0 && cost <= 5_000_000)
      #expect(run["state"]?.stringValue == "PAUSED" && run["reason"]?.stringValue == "budget")
      let resumed = await tool.assay("resume", id, "--cap", "1", "--watch")
      #expect(resumed.isSuccess, "\(resumed)")
      let whole = try #require(try objects(await tool.assay("ls", "--json").output).first)
      #expect(whole["totals"]?["succeeded"]?.stringValue == "60")
    }
  }

  @Test func `unknown runs and products of others are told apart from nothing`() async throws {
    try await RealTool.with { tool in
      #expect(await tool.assay("up", "-d").isSuccess)
      #expect(await tool.assay("echo", "a", "--product", "mine", "--key", "k").isSuccess)
      let mine = try objects(await tool.assay("ls", "--json", "--product", "mine").output)
      let id = try #require(mine.first?["id"]?.stringValue)
      #expect(await tool.assay("ls", "--json").output.isEmpty)
      for words in [
        ["show", id], ["watch", id], ["cancel", id], ["export", id], ["show", "r-no"],
      ] {
        let answer = await tool.assay(words: words)
        #expect(answer.ending == .exited(status: 1), "\(words): \(answer)")
        #expect(answer.errors.first?.hasPrefix("error[UNKNOWN_RUN]") == true, "\(answer)")
      }
      #expect(await tool.assay("watch", id, "--product", "mine").isSuccess)
      let late = await tool.assay("watch", id, "--product", "mine", "--after", "100000")
      #expect(late.errors.first?.hasPrefix("error[BAD_CURSOR]") == true, "\(late)")
    }
  }

  @Test func `a run goes on over kill -9 of those who work on it`() async throws {
    try await RealTool.with { tool in
      #expect(await tool.assay("up", "-d", "--scale", "orchestrator=2").isSuccess)
      let many = (0..<300).map { "text \($0)\n" }.joined()
      try Files.replace("\(tool.top)/texts", with: many)
      let started = await tool.assay(
        "echo", "-d", "--per-call", "1", "--width", "4", "--texts", "texts")
      let id = try #require(started.output.first)
      for service in ["orchestrator", "store", "orchestrator"] {
        for victim in try await tool.replicas() where victim.service == service {
          _ = kill(victim.pid, SIGKILL)
        }
      }
      let watched = await tool.assay("watch", id, "--json", timeout: .seconds(90))
      #expect(watched.isSuccess, "\(watched.errors)")
      let events = try objects(watched.output)
      #expect(events.map { $0["seq"]?.stringValue } == (1...events.count).map { "\($0)" })
      #expect(events.last?["fact"]?["run"]?["totals"]?["succeeded"]?.stringValue == "300")
      #expect(events.last?["fact"]?["run"]?["totals"]?["attempts"]?.stringValue == "300")
    }
  }
}
