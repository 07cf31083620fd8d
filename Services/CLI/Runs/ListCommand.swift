import Console
import Faults
import OrchestratorContract
import RPC
import RunDisplay
import ScoreContract
package import ToolContext

/// `assay ls`: the runs there are.
package enum ListCommand {
  package static let command = Command(
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
