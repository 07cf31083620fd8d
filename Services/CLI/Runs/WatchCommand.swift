import Console
import Faults
import OrchestratorContract
import RPC
import RunDisplay
import ScoreContract
package import ToolContext

/// `assay watch`: follow a run.
package enum WatchCommand {
  package static let command = Command(
    "watch", "follow a run until it ends", operands: RunService.oneRun,
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
