import Console
import Faults
import Machine
import RPC
import StoreContract
import Supervisor
package import ToolContext

/// `assay export`: a run's units and verdicts as a file.
package enum ExportCommand {
  package static let command = Command(
    "export", "write a run's units and verdicts as CSV or JSON Lines",
    operands: RunService.oneRun,
    flags: RunService.flags + [
      Flag("format", value: "csv|jsonl", "csv unless given"),
      Flag("output", short: "o", value: "PATH", "a file; standard output unless given"),
    ],
    details: "The columns are listed in proto/assay/store/v1/store.proto and keep their names.",
    examples: ["assay export r-5f3a -o scores.csv", "assay export r-5f3a --format jsonl | jq ."]
  ) { context in
    let word = context.invocation.value("format") ?? "csv"
    let formats: [String: ExportRequest.Format] = ["csv": .csv, "jsonl": .jsonLines]
    guard let format = formats[word] else {
      throw UsageError("--format takes csv or jsonl, not \(word)", verb: "export")
    }
    let (store, options) = try await RunService.store(context)
    let request = ExportRequest(runId: context.operands[0], format: format)
    let chunks = store.export(request, options: options)
    if let path = context.invocation.value("output") {
      let full = Surroundings.absolute(path, in: context.place.workingDirectory)
      // Whole or not at all: a file of this name never holds half an export.
      let part = "\(full).part"
      do {
        let file = try OpenFile(part, for: .replace, mode: 0o644)
        for try await chunk in chunks {
          try file.write(String(decoding: chunk.data, as: UTF8.self))
        }
        try file.sync()
      } catch {
        try? Files.remove(part)
        throw error
      }
      try Files.rename(part, to: full)
      context.terminal.talk("written to \(path)")
    } else {
      for try await chunk in chunks where !context.terminal.isClosed {
        context.terminal.output(String(decoding: chunk.data, as: UTF8.self))
      }
    }
    return .success
  }
}
