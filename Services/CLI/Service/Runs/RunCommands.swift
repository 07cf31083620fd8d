import Console
import Faults
import OrchestratorContract
import RPC
import RunDisplay
import ScoreContract

/// A run that is named on the command line.
private let oneRun = Operands("RUN", count: 1...1)

/// `assay watch`: follow a run.
enum WatchCommand {
  static let command = Command(
    "watch", "follow a run until it ends", operands: oneRun,
    flags: RunService.flags + [
      Flag("after", value: "SEQ", "only what came behind this entry of its log")
    ],
    details: """
      Prints the run's log as it grows, from its beginning; with --json an entry a line. It asks
      again by itself when the mesh is started anew, and shows every entry once. ^C ends the
      watching, not the run.
      """, examples: ["assay watch r-5f3a", "assay watch r-5f3a --json | jq .seq"]
  ) { context in
    var seq: Int64 = 0
    if let text = context.invocation.value("after") {
      guard let number = Int64(text), number >= 0 else {
        throw UsageError("--after takes a sequence, not \(text)", verb: "watch")
      }
      seq = number
    }
    let service = try await RunService.find(context)
    return try await RunWatcher(context.operands[0], service, context).follow(after: seq)
  }
}

/// `assay ls`: the runs there are.
enum ListCommand {
  static let command = Command(
    "ls", "list runs, the newest first",
    flags: RunService.flags + [
      Flag("state", value: "STATE", repeats: true, "only runs in this state"),
      Flag("workload", value: "NAME", "only runs of this workload"),
      Flag("limit", value: "COUNT", "so many; 20 unless given"),
    ], examples: ["assay ls", "assay ls --state running --json"]
  ) { context in
    var request = ListRunsRequest(workload: context.invocation.value("workload") ?? "")
    for word in context.invocation.values("state") {
      guard let state = RunText.state(named: word) else {
        throw UsageError(
          "there is no state \(word)", hint: "running, completed, partial, failed, paused …",
          verb: "ls")
      }
      request.states.append(state)
    }
    let limitText = context.invocation.value("limit") ?? "20"
    guard let limit = Int(limitText), (1...100_000).contains(limit) else {
      throw UsageError("--limit takes a number, not \(limitText)", verb: "ls")
    }
    let service = try await RunService.find(context)
    var runs: [Run] = []
    repeat {
      request.limit = UInt32(min(limit - runs.count, 500))
      let page = try await service.orchestrator.listRuns(request, options: service.options)
      runs += page.runs
      request.after = page.next
    } while !request.after.isEmpty && runs.count < limit
    if context.terminal.isJSON {
      let json = EventJSON()
      for run in runs { context.terminal.line(json.value(of: run)) }
    } else if runs.isEmpty {
      context.terminal.talk("no run; start one with: assay echo one two three")
    } else {
      for line in RunText.table(runs) { context.terminal.line(line) }
    }
    return .success
  }
}

/// `assay show`: one run with its verdicts.
enum ShowCommand {
  static let command = Command(
    "show", "show a run and its verdicts", operands: oneRun, flags: RunService.flags,
    examples: ["assay show r-5f3a"]
  ) { context in
    let service = try await RunService.find(context)
    let answer = try await service.orchestrator.getRun(
      GetRunRequest(runId: context.operands[0]), options: service.options)
    guard let run = answer.run else { return .failed }
    if context.terminal.isJSON {
      context.terminal.line(EventJSON().value(of: answer))
    } else {
      for line in RunText.summary(run, stages: answer.stages) { context.terminal.line(line) }
      context.terminal.line("")
      try await showVerdicts(of: run.id, service, context.terminal)
    }
    return .success
  }

  /// The first verdicts of the log, and where the others are.
  static func showVerdicts(
    of runID: String, _ service: RunService, _ terminal: Terminal
  ) async throws {
    var verdicts: [Verdict] = []
    var total = 0
    let request = WatchRequest(runId: runID, isReplayOnly: true)
    for try await answer in service.orchestrator.watch(request, options: service.streamOptions) {
      for event in answer.events {
        guard case .unit(let change)? = event.fact?.kind, let verdict = change.verdict else {
          continue
        }
        total += 1
        if verdicts.count < RunText.verdictsShownMax { verdicts.append(verdict) }
      }
    }
    guard total > 0 else { return terminal.talk("no verdict yet") }
    for line in RunText.table(verdicts) { terminal.line(line) }
    if total > verdicts.count {
      terminal.talk("\(total - verdicts.count) more: assay export \(runID)")
    }
  }
}

/// `assay cancel`, `pause` and `resume`: what a person wants of a run.
enum RequestCommands {
  static let cancel = Command(
    "cancel", "stop a run; what is in flight is paid for and kept", operands: oneRun,
    flags: RunService.flags
  ) { context in
    let service = try await RunService.find(context)
    let answer = try await service.orchestrator.cancel(
      CancelRequest(runId: context.operands[0]), options: service.options)
    return report(answer.run, context.terminal)
  }

  static let pause = Command(
    "pause", "let a run wait until it is resumed", operands: oneRun, flags: RunService.flags
  ) { context in
    let service = try await RunService.find(context)
    let answer = try await service.orchestrator.pause(
      PauseRequest(runId: context.operands[0]), options: service.options)
    return report(answer.run, context.terminal)
  }

  static let resume = Command(
    "resume", "go on with a run that is paused or has ended, or approve one", operands: oneRun,
    flags: RunService.flags + [
      Flag("cap", value: "DOLLARS", "raise what it may spend in all"),
      Flag("failed", "ask again about units that failed and may succeed"),
      Flag("watch", "follow it"),
    ],
    details: "What was settled is kept and never paid for again.",
    examples: ["assay resume r-5f3a --cap 5 --watch"]
  ) { context in
    var request = ResumeRequest(
      runId: context.operands[0], retryFailed: context.invocation.has("failed"))
    if let text = context.invocation.value("cap") {
      guard let cap = Money.parse(text), cap > 0 else {
        throw UsageError(
          "--cap takes an amount in dollars, not \(text)", hint: "--cap 0.50", verb: "resume")
      }
      request.budgetCapNanos = cap
    }
    let service = try await RunService.find(context)
    let answer = try await service.orchestrator.resume(request, options: service.options)
    guard context.invocation.has("watch") else { return report(answer.run, context.terminal) }
    let watcher = RunWatcher(
      request.runId, capNanos: answer.run?.options?.budgetCapNanos ?? 0, service, context)
    return try await watcher.follow(after: answer.run?.lastSeq ?? 0)
  }

  private static func report(_ run: Run?, _ terminal: Terminal) -> ExitCode {
    guard let run else { return .failed }
    if terminal.isJSON {
      terminal.line(EventJSON().value(of: run))
    } else {
      let asked =
        run.requested == .unspecified ? "" : ", asked to \(RunText.verb(of: run.requested))"
      terminal.talk("\(run.id)  \(RunText.name(of: run.state))\(asked)")
    }
    return .success
  }
}
