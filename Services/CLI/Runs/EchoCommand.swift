import Console
import Faults
import JSON
import Machine
import OrchestratorContract
import RunDisplay
import ScoreContract
import Supervisor
package import ToolContext

/// `assay echo`: the smallest run there is.
package enum EchoCommand {
  package static let command = Command(
    "echo", "score texts with the smallest workload, to prove a mesh",
    operands: Operands("[TEXT…]", count: 0...Operands.operandsMax),
    flags: RunService.flags + [
      Flag("texts", value: "PATH", "a file with a text a line; - for standard input"),
      Flag("model", value: "NAME", "the model to ask; echo-1 unless given"),
      Flag("per-call", value: "COUNT", "texts of one model call; 5 unless given"),
      Flag("width", value: "COUNT", "model calls at once"),
      Flag("cap", value: "DOLLARS", "spend no more than this"),
      Flag("force", "ask again where a verdict is kept already"),
      Flag("key", value: "KEY", "an idempotency key: the same again starts nothing new"),
      Flag("dry-run", "print what it would do and cost, and start nothing"),
      Flag("detach", short: "d", "print the run's id and leave it running"),
    ],
    details: """
      Every text gets a score from 0 to 100. The run lives in the mesh: it goes on when this
      command ends, and `assay watch RUN` returns to it. Exit code 0 when all texts have a score,
      3 when some have not, 5 when the cap ended it.
      """,
    examples: ["assay echo one two three", "assay echo --texts words.txt --dry-run"]
  ) { context in
    let spec = try spec(context)
    let service = try await RunService.find(context)
    if context.invocation.has("dry-run") {
      let estimate = try await service.orchestrator.estimate(
        EstimateRequest(spec: spec), options: service.options)
      show(estimate, context.terminal)
      return .success
    }
    let answer = try await service.orchestrator.submit(
      SubmitRequest(spec: spec, idempotencyKey: context.invocation.value("key") ?? ""),
      options: service.options)
    if context.invocation.has("detach") {
      context.terminal.isJSON
        ? context.terminal.line(["run_id": .string(answer.runId)])
        : context.terminal.line(answer.runId)
      return .success
    }
    let watcher = RunWatcher(
      answer.runId, capNanos: spec.options?.budgetCapNanos ?? 0, service, context)
    let code = try await watcher.follow()
    if !context.terminal.isJSON, code != .interrupted {
      try await ShowCommand.showVerdicts(of: answer.runId, service, context.terminal)
    }
    return code
  }

  private static func spec(_ context: CommandContext) throws -> RunSpec {
    var texts = context.operands
    if let path = context.invocation.value("texts") {
      let text =
        path == "-"
        ? String(
          decoding: try StandardStream.input.readAll(bytesMax: CommandLimits.requestBytesMax),
          as: UTF8.self)
        : try Files.readText(
          Surroundings.absolute(path, in: context.place.workingDirectory),
          bytesMax: CommandLimits.requestBytesMax)
      texts += text.split(whereSeparator: \.isNewline).map(String.init)
    }
    guard !texts.isEmpty else {
      throw UsageError("there is no text to score", hint: "assay echo one two", verb: "echo")
    }
    var echo = EchoSpec(texts: texts, model: context.invocation.value("model") ?? "")
    echo.textsPerCall = UInt32(try count(context.invocation, "per-call") ?? 0)
    return RunSpec(
      workload: "echo", options: try options(context.invocation), subject: .echo(echo))
  }

  private static func options(_ invocation: Invocation) throws(UsageError) -> RunOptions {
    var options = RunOptions()
    options.width = UInt32(try count(invocation, "width") ?? 0)
    options.force = invocation.has("force")
    if let text = invocation.value("cap") {
      guard let cap = Money.parse(text), cap > 0 else {
        throw UsageError(
          "--cap takes an amount in dollars, not \(text)", hint: "--cap 0.50",
          verb: invocation.verb)
      }
      options.budgetCapNanos = cap
    }
    return options
  }

  private static func count(_ invocation: Invocation, _ flag: String) throws(UsageError) -> Int? {
    guard let text = invocation.value(flag) else { return nil }
    guard let count = Int(text), (1...1000).contains(count) else {
      throw UsageError(
        "--\(flag) takes a number from 1 to 1000, not \(text)", verb: invocation.verb)
    }
    return count
  }

  private static func show(_ estimate: EstimateResponse, _ terminal: Terminal) {
    if terminal.isJSON { return terminal.line(EventJSON().value(of: estimate)) }
    terminal.line("\(estimate.units) units, \(estimate.cached) of them kept already")
    terminal.line("\(estimate.calls) model calls")
    terminal.line(
      "\(Money.text(estimate.costExpectedNanos)) expected, "
        + "\(Money.text(estimate.costLeastNanos)) to \(Money.text(estimate.costMostNanos))")
    for note in estimate.warnings {
      terminal.talk(terminal.paintedTalk("warning", .yellow) + ": \(Terminal.harmless(note.text))")
    }
  }
}
