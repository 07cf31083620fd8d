import CommandLineTool
import Console
import Faults
import JSON
import Machine
import MeshContract
import Testing

@Suite struct UpProgressTests {
  private func replica(
    _ instance: String, _ state: Replica.State, waitingFor: [String] = [], readyMs: UInt32? = nil,
    lastError: String = "", exit: Exit? = nil
  ) -> Replica {
    Replica(
      service: String(instance.prefix { $0 != "-" }), instance: instance, state: state,
      waitingFor: waitingFor, pid: 7, readyMs: readyMs, lastError: lastError, exit: exit)
  }

  @Test func `each change is a line, said once`() {
    var progress = UpProgress(.plain)
    let first = progress.update([replica("a-1", .starting), replica("b-1", .starting)], at: .zero)
    #expect(first == [.line("a-1  starting"), .line("b-1  starting")])
    let waiting = replica("b-1", .waiting, waitingFor: ["a", "c"])
    let second = progress.update([replica("a-1", .ready, readyMs: 83), waiting], at: .seconds(1))
    #expect(second == [.line("a-1  ready after 83 ms"), .line("b-1  waiting for a, c")])
    #expect(progress.update([replica("a-1", .ready, readyMs: 83), waiting], at: .seconds(2)) == [])
    #expect(progress.update([waiting], at: .seconds(3)) == [.line("a-1  gone")])
  }

  @Test func `a live block is drawn anew with the time until all are ready`() {
    var progress = UpProgress(.live)
    let starting = [replica("a-1", .starting), replica("long-1", .waiting, waitingFor: ["a"])]
    #expect(
      progress.update(starting, at: .zero) == [
        .block(["a-1     starting (0.0 s)", "long-1  waiting for a (0.0 s)"], replacing: 0)
      ])
    #expect(
      progress.update(starting, at: .milliseconds(450)) == [
        .block(["a-1     starting (0.4 s)", "long-1  waiting for a (0.4 s)"], replacing: 2)
      ])
    #expect(progress.isTicking)
    let ready = [replica("a-1", .ready, readyMs: 5), replica("long-1", .ready, readyMs: 9)]
    #expect(
      progress.update(ready, at: .seconds(1)) == [
        .block(["a-1     ready after 5 ms", "long-1  ready after 9 ms"], replacing: 2)
      ])
    #expect(!progress.isTicking)
    #expect(
      progress.update([ready[0], replica("long-1", .restarting)], at: .seconds(2)) == [
        .line("long-1  restarting (attempt 1)")
      ])
  }

  @Test func `a block that would not fit on a screen is lines instead`() {
    var progress = UpProgress(.live)
    let many = (0...UpProgress.blockLinesMax).map { replica("a-\($0)", .starting) }
    #expect(progress.update(many, at: .zero).first == .line("a-0  starting"))
    #expect(!progress.isTicking)
  }

  @Test func `a replica that does not come up is told once, and again after it was well`() {
    var progress = UpProgress(.plain)
    let bad = replica(
      "a-1", .restarting, lastError: "exit status 2, 3 times in a row",
      exit: Exit(how: .status(2)))
    let outputs = progress.update([bad], at: .zero)
    #expect(outputs.last == .failure(bad))
    #expect(progress.update([bad], at: .seconds(1)) == [])
    _ = progress.update([replica("a-1", .ready, readyMs: 1)], at: .seconds(2))
    #expect(progress.update([bad], at: .seconds(3)).last == .failure(bad))
  }

  @Test func `settled is when each is ready or does not come up`() {
    let ready = replica("a-1", .ready)
    #expect(UpProgress.isSettled([ready, replica("b-1", .failed, lastError: "x")]))
    #expect(UpProgress.isSettled([ready, replica("b-1", .restarting, lastError: "x")]))
    #expect(UpProgress.isSettled([ready, replica("b-1", .stopped)]))
    #expect(!UpProgress.isSettled([ready, replica("b-1", .restarting)]))
    #expect(!UpProgress.isSettled([ready, replica("b-1", .unhealthy, lastError: "x")]))
    #expect(!UpProgress.isSettled([replica("b-1", .waiting)]))
  }

  @Test func `JSON is a value for each change`() throws {
    var progress = UpProgress(.json)
    guard case .json(let value)? = progress.update([replica("a-1", .starting)], at: .zero).first
    else {
      Issue.record("no JSON")
      return
    }
    #expect(value["instance"]?.stringValue == "a-1")
    #expect(value["state"]?.stringValue == "starting")
  }
}

@Suite struct FailureTextTests {
  private func replica(_ lastError: String, exit: Exit? = nil, waitingFor: [String] = []) -> Replica
  {
    Replica(
      service: "a", instance: "a-1", state: .restarting, waitingFor: waitingFor,
      lastError: lastError, logPath: "/tmp/assay-failure-\(Processes.own).log", exit: exit)
  }

  @Test(arguments: [
    (["x", "hint: turn it on", "y"], "turn it on"), ([], "assay logs a shows more"),
  ])
  func `the service's own hint counts`(_ lines: [String], _ hint: String) {
    let fault = FailureText.fault(of: replica("exit status 1"), lastLines: lines)
    #expect(fault.message == "a-1 does not come up: exit status 1.")
    #expect(fault.hint == hint)
  }

  @Test func `causes have their own hints`() {
    let missing = replica("exit status 127", exit: Exit(how: .status(127)))
    #expect(FailureText.fault(of: missing, lastLines: []).hint?.contains("assay doctor") == true)
    let waiting = replica("not ready after 30 s", waitingFor: ["store"])
    #expect(
      FailureText.fault(of: waiting, lastLines: []).hint
        == "look at whom it waits for: assay logs store")
  }

  @Test func `the last five lines are shown, cut and harmless`() throws {
    let path = "/tmp/assay-failure-\(Processes.own).log"
    let lines = (1...8).map { "line \($0)" } + ["\u{1B}[2J" + String(repeating: "x", count: 500)]
    try Files.replace(path, with: lines.joined(separator: "\n") + "\n")
    defer { try? Files.remove(path) }
    let shown = FailureText.lastLines(of: replica("x"))
    #expect(shown.count == 5 && shown[0] == "line 5")
    #expect(shown[4].count == 300 && shown[4].hasPrefix("\u{FFFD}[2J"))
  }

  @Test(
    arguments: [
      (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (15_860_000, "16 MB"),
      (159_999_999, "160 MB"), (2_000_000_000, "2.0 GB"), (9_940_000, "9.9 MB"),
      (9_950_000, "10 MB"),
    ] as [(UInt64, String)])
  func `sizes are as many digits as one takes in`(_ count: UInt64, _ text: String) {
    #expect(ByteText.short(count) == text)
  }
}
