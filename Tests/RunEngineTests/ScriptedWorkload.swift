import Faults
import GatewayContract
import OrchestratorContract
import RunEngine
import ScoreContract

/// A workload for tests: texts that say how they are answered. What becomes of a unit depends on
/// its text alone, so that a disturbed run must end as an undisturbed one.
///
/// `ok…` has a value; `flaky2…` has one from its third call on; `never…` is never answered;
/// `cut…` is cut off unless it is alone; `refuse…` makes the model refuse; `huge…` is too long for
/// any call but one of its own; `unsure…` is undetermined; `garbled…` spoils a whole reply but its
/// own; `unrendered…` cannot be put into a call.
struct ScriptedWorkload: RunEngine.Workload {
  var name: String { "scripted" }
  var summary: String { "Texts that say how they are answered." }
  var unitsMax = 4
  var bytesMax = 50_000
  /// Texts in each stage; all in one when empty.
  var stageCounts: [Int] = []
  var isFailFast = false
  /// The text's second word is its group.
  var isGrouped = false
  /// As each of its calls says.
  var prefixReuses = 0
  static let boundNanos: Int64 = 10
  static let costNanos: Int64 = 6

  static func spec(_ texts: [String], options: RunOptions = RunOptions()) -> RunSpec {
    RunSpec(workload: "scripted", options: options, subject: .echo(EchoSpec(texts: texts)))
  }

  func plan(_ spec: RunSpec) throws(Fault) -> Plan {
    guard case .echo(let echo) = spec.subject, !echo.texts.contains("unplannable") else {
      throw Fault(.invalidArgument, reason: "BAD_SPEC", "This cannot be planned.")
    }
    let texts = echo.texts
    let isGrouped = isGrouped
    var first = 0
    var stages: [PlannedStage] = []
    for (index, count) in (stageCounts.isEmpty ? [texts.count] : stageCounts).enumerated() {
      let start = first
      stages.append(
        PlannedStage(
          name: "stage \(index)", isFailFast: isFailFast,
          batching: BatchPolicy(unitsMax: unitsMax, bytesMax: bytesMax), unitCount: count
        ) { place in
          let text = texts[start + place]
          let group =
            isGrouped ? text.split(separator: " ").dropFirst().first.map(String.init) : nil
          return PlannedUnit(
            id: "u\(start + place)",
            subject: SubjectRef(kind: "text", id: "t\(start + place)", contentHash: text),
            rubricHash: "rubric", key: "key \(text)", group: group ?? "",
            payload: Array(text.utf8))
        })
      first += count
    }
    return Plan(stages: stages)
  }

  func render(_ batch: Batch, of spec: RunSpec) throws(Fault) -> ModelCall {
    var lines: [String] = []
    for unit in batch.units {
      let text = String(decoding: unit.payload, as: UTF8.self)
      guard !text.hasPrefix("unrendered") else {
        throw Fault(.invalidArgument, reason: "UNRENDERED", "This cannot be said.")
      }
      lines.append("\(unit.id)\t\(unit.tries)\t\(text)")
    }
    let count = Int64(batch.units.count)
    return ModelCall(
      model: "m", blocks: [Block(role: .user, text: lines.joined(separator: "\n"))],
      output: OutputSpec(mode: .text), outputTokensMax: 100,
      prefixReuses: prefixReuses,
      cost: CostBound(
        leastNanos: count, expectedNanos: Self.costNanos * count,
        mostNanos: Self.boundNanos * count))
  }

  func read(_ reply: ModelReply, for batch: Batch, of spec: RunSpec) -> [UnitOutcome] {
    var answers: [String: String] = [:]
    for line in reply.text.split(separator: "\n") {
      let parts = line.split(separator: "\t", maxSplits: 1)
      if parts.count == 2 { answers[String(parts[0])] = String(parts[1]) }
    }
    return batch.units.map { unit in
      if reply.text == "garbled" { return .unusable(Failure(reason: .unparsable)) }
      switch answers[unit.id] {
      case nil where reply.finish == .length: return .unusable(Failure(reason: .truncated))
      case nil: return .unusable(Failure(reason: .missing))
      case "?": return .undetermined(VerdictDraft(value: nil, reasoning: "It cannot be said."))
      case let text?:
        return Double(text).map { .verdict(VerdictDraft(value: Value(kind: .number($0)))) }
          ?? .unusable(Failure(reason: .invalid))
      }
    }
  }

  func aggregate(_ ending: RunEnding, of spec: RunSpec) -> [UInt8] {
    let totals = ending.totals
    return Array(
      """
      {"planned":\(totals.planned),"succeeded":\(totals.succeeded),"failed":\(totals.failed),\
      "skipped":\(totals.skipped),"missing":\(ending.missing.units),\
      "missing_most_nanos":\(ending.missing.cost.mostNanos)}
      """.utf8)
  }
}

/// What a model says to a scripted call: a function of the call alone.
struct ScriptedModel {
  /// The answer, or the fault of a call that cannot be answered.
  enum Answer {
    case reply(GenerateResponse)
    case fault(Fault)
  }

  struct Asked {
    let id: String
    let tries: Int
    let text: String
  }

  static func asked(_ request: GenerateRequest) -> [Asked] {
    (request.blocks.first?.text ?? "").split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "\t").map(String.init)
      guard parts.count == 3, let tries = Int(parts[1]) else { return nil }
      return Asked(id: parts[0], tries: tries, text: parts[2])
    }
  }

  static func value(of text: String) -> Int { text.utf8.reduce(7) { ($0 * 31 + Int($1)) % 101 } }

  static func answer(_ request: GenerateRequest) -> Answer {
    let asked = asked(request)
    if asked.count > 1, asked.contains(where: { $0.text.hasPrefix("huge") }) {
      return .fault(Fault(.outOfRange, reason: "CONTEXT_TOO_LONG", "Too long."))
    }
    let cost = ScriptedWorkload.costNanos * Int64(asked.count)
    var response = GenerateResponse(
      callKey: request.callKey, model: "m-1", finish: .stop,
      usage: Usage(
        inputTokens: Int64(asked.count), outputTokens: 1, costNanos: cost, completeness: .exact))
    if asked.contains(where: { $0.text.hasPrefix("refuse") }) {
      response.finish = .refusal
      return .reply(response)
    }
    if asked.count > 1, asked.contains(where: { $0.text.hasPrefix("garbled") }) {
      response.text = "garbled"
      return .reply(response)
    }
    var lines: [String] = []
    for unit in asked {
      if unit.text.hasPrefix("cut"), asked.count > 1 {
        response.finish = .length
        break
      }
      if unit.text.hasPrefix("never") { continue }
      if unit.text.hasPrefix("flaky2"), unit.tries < 2 { continue }
      lines.append(
        unit.text.hasPrefix("unsure") ? "\(unit.id)\t?" : "\(unit.id)\t\(value(of: unit.text))")
    }
    response.text = lines.joined(separator: "\n")
    return .reply(response)
  }

  /// Units that a reply answers: they must never be paid for again.
  static func answered(_ response: GenerateResponse) -> [String] {
    guard response.text != "garbled" else { return [] }
    return response.text.split(separator: "\n").compactMap {
      $0.split(separator: "\t").first.map(String.init)
    }
  }
}
