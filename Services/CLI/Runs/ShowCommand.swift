import Console
import Faults
import OrchestratorContract
import RPC
import RunDisplay
import ScoreContract
package import ToolContext

/// `assay show`: one run with its verdicts.
package enum ShowCommand {
  package static let command = Command(
    "show", "show a run and its verdicts", operands: RunService.oneRun, flags: RunService.flags,
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
