import Console
import Faults
import OrchestratorContract
import RPC
import RunDisplay
import ScoreContract
package import ToolContext

/// `assay cancel`, `pause` and `resume`: what a person wants of a run.
package enum RequestCommands {
  package static let cancel = Command(
    "cancel", "stop a run; what is in flight is paid for and kept", operands: RunService.oneRun,
    flags: RunService.flags
  ) { context in
    let service = try await RunService.find(context)
    let answer = try await service.orchestrator.cancel(
      CancelRequest(runId: context.operands[0]), options: service.options)
    return report(answer.run, context.terminal)
  }

  package static let pause = Command(
    "pause", "let a run wait until it is resumed", operands: RunService.oneRun,
    flags: RunService.flags
  ) { context in
    let service = try await RunService.find(context)
    let answer = try await service.orchestrator.pause(
      PauseRequest(runId: context.operands[0]), options: service.options)
    return report(answer.run, context.terminal)
  }

  package static let resume = Command(
    "resume", "go on with a run that is paused or has ended, or approve one",
    operands: RunService.oneRun,
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
