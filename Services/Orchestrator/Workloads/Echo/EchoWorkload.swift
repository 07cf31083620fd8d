// RunWorkloads: what can be scored, a folder each, with a planner, a codec and an aggregator. All
// of it is pure: no I/O, no clock, no randomness. Limits: those of each workload, beside its spec.

package import Faults
import GatewayContract
import JSON
package import OrchestratorContract
package import RunEngine
import ScoreContract

/// Scores strings by asking a model to give each a score. It has no rubric and no use but to prove
/// the engine and a mesh, and to be the example of a workload in a page.
package struct EchoWorkload: Workload {
  package let name = "echo"
  package let summary = "scores strings, to prove a mesh"

  static let textsMax = 200_000
  static let textBytesMax = 16 << 10
  static let textsPerCallDefault = 5
  static let textsPerCallMax = 100
  /// What one answer about one text may take.
  static let outputTokensPerText = 64

  package init() {}

  // MARK: Planner

  package func plan(_ spec: RunSpec) throws(Fault) -> Plan {
    let echo = try Self.checked(spec)
    let rubric = Self.rubricHash
    let stage = PlannedStage(
      name: "score",
      batching: BatchPolicy(unitsMax: Int(echo.textsPerCall)), unitCount: echo.texts.count
    ) { index in
      let text = Array(echo.texts[index].utf8)
      let content = Hash.of([text])
      return PlannedUnit(
        id: "text-\(index)",
        subject: SubjectRef(kind: "text", id: content, contentHash: content),
        rubricHash: rubric,
        key: Hash.of([Array(rubric.utf8), text, Array(echo.model.utf8)]), payload: text)
    }
    return Plan(stages: [stage], warnings: Self.warnings(echo))
  }

  private static func checked(_ spec: RunSpec) throws(Fault) -> EchoSpec {
    guard case .echo(var echo) = spec.subject else {
      throw refusal("spec.echo", "what to score is missing")
    }
    guard !echo.texts.isEmpty else { throw refusal("spec.echo.texts", "there is no text") }
    guard echo.texts.count <= textsMax else {
      throw refusal("spec.echo.texts", "at most \(textsMax) texts")
    }
    for (index, text) in echo.texts.enumerated() where text.utf8.count > textBytesMax {
      throw refusal("spec.echo.texts[\(index)]", "at most \(textBytesMax) bytes")
    }
    guard echo.textsPerCall <= UInt32(textsPerCallMax) else {
      throw refusal("spec.echo.texts_per_call", "at most \(textsPerCallMax)")
    }
    if echo.textsPerCall == 0 { echo.textsPerCall = UInt32(textsPerCallDefault) }
    if echo.model.isEmpty { echo.model = "echo-1" }
    return echo
  }

  private static func refusal(_ field: String, _ what: String) -> Fault {
    Fault(
      .invalidArgument, reason: "BAD_SPEC", "The run cannot be planned: \(field): \(what).",
      violations: [.init(field: field, description: what)])
  }

  private static func warnings(_ echo: EchoSpec) -> [Note] {
    let empty = echo.texts.count { $0.isEmpty }
    guard empty > 0 else { return [] }
    return [Note(code: "EMPTY_TEXTS", text: "\(empty) of the texts are empty.")]
  }

  static let rubricHash = Hash.of([Array(EchoPrompt.system.utf8)])

  // MARK: Aggregator

  package func aggregate(_ ending: RunEnding, of spec: RunSpec) -> [UInt8] {
    let totals = ending.totals
    let outcome: JSONValue = [
      "scored": .number(Int(totals.succeeded)), "failed": .number(Int(totals.failed)),
      "undetermined": .number(Int(totals.undetermined)),
      "skipped": .number(Int(totals.skipped)), "cost_nanos": .number(Int(totals.costNanos)),
    ]
    return outcome.bytes()
  }
}
